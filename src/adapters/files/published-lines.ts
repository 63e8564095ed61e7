/** Lines of a file that is written with a side file, as far as they are published. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { codeOf } from './file-system.ts'
import { parseSideFile, sidePathOf, type SideFile } from './side-file.ts'

/**
 * `bytes`: how many are published, `null` for all there are. A tail that a crash left behind, or that is being written, is
 * not read. `windrow run` may go on meanwhile.
 */
export async function* publishedLines(path: string, bytes: number | null): AsyncGenerator<string> {
  if (bytes === 0) return
  const stream = createReadStream(path, bytes === null ? {} : { end: bytes - 1 })
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (line !== '') yield line
  }
}

/** `null` for a file without a side file, a copied one for example. */
export async function sideFileOf(results: string): Promise<SideFile | null> {
  try {
    return parseSideFile(await readFile(sidePathOf(results), 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
