/** Reads the files of `stack/`: sources of builds, and templates in which each `${NAME}` is replaced by a value. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Beside `src/` and beside `dist/`. */
const FOLDER = new URL('../../../stack/', import.meta.url)

export function dataFile(name: string): string {
  return fileURLToPath(new URL(name, FOLDER))
}

export async function fillTemplate(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(dataFile(name), 'utf8')
  return text.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => {
    const value = values[key]
    if (value === undefined) throw new TypeError(`${name} asks for ${key}, which is not given`)
    return value
  })
}
