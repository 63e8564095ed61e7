/** Reads a results file as far as it is published. */
import type { Json } from '../../core/json.ts'
import { publishedLines, sideFileOf } from './published-lines.ts'

/** The published lines of a results file, parsed. A file without a side file, a copied one for example, is read whole. */
export async function* readPublishedResults(path: string): AsyncGenerator<Json> {
  const side = await sideFileOf(path)
  for await (const line of publishedLines(path, side?.results.bytes ?? null)) yield JSON.parse(line) as Json
}
