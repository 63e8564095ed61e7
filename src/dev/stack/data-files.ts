/** The files of `stack/`: what is built, and templates whose `${NAME}` are filled in. */
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
