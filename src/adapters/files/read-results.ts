/** Reads the published part of a results file. */
import type { Json } from '../../core/json.ts'
import { publishedLines, sideFileOf } from './published-lines.ts'

/** The published results of a file. A file without a side file, for example a copy, is read to its end. */
export async function* readPublishedResults(path: string): AsyncGenerator<Json> {
  const side = await sideFileOf(path)
  for await (const line of publishedLines(path, side?.results.bytes ?? null)) yield JSON.parse(line) as Json
}
