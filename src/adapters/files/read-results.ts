/** Reads a results file as far as it is published. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Json } from '../../core/json.ts'
import { codeOf } from './file-system.ts'
import { parseSideFile, sidePathOf } from './side-file.ts'

/**
 * The lines of a results file, parsed. A tail that a crash left behind, or that is being written, is not published and
 * not read. `windrow run` may go on meanwhile.
 */
export async function* readResults(path: string): AsyncGenerator<Json> {
  const published = await publishedBytes(path)
  if (published === 0) return
  const stream = createReadStream(path, published === null ? {} : { end: published - 1 })
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (line !== '') yield JSON.parse(line) as Json
  }
}

/** `null` for a file without a side file, a copied one for example: all of it. */
async function publishedBytes(path: string): Promise<number | null> {
  try {
    return parseSideFile(await readFile(sidePathOf(path), 'utf8'))?.results.bytes ?? null
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
