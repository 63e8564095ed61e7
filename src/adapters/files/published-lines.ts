/** Reads the published lines of a results file or of the files beside it. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { codeOf } from './file-system.ts'
import { parseSideFile, sidePathOf, type SideFile } from './side-file.ts'

/**
 * Reads the first `bytes` bytes, which are published, or the whole file if `bytes` is `null`. A tail that a crash left
 * behind or that is being written is not read. `windrow run` may be running at the same time.
 */
export async function* publishedLines(path: string, bytes: number | null): AsyncGenerator<string> {
  if (bytes === 0) return
  const stream = createReadStream(path, bytes === null ? {} : { end: bytes - 1 })
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (line !== '') yield line
  }
}

/** `null` if the results have no side file, for example because they were copied. */
export async function sideFileOf(results: string): Promise<SideFile | null> {
  try {
    return parseSideFile(await readFile(sidePathOf(results), 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
