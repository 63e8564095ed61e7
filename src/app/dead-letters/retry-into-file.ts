/**
 * Retries a dead letter of a job on files. Such a job is bound to its input and has ended, so it accepts no more records.
 * The repaired record is appended to a second input file, for a new job that reads both.
 */
import { addRetriedLine, addRetriedLines, retriedIn, type RetriedLine } from '../../adapters/files/retry-file.ts'
import { createJsonDecoder } from '../../adapters/json/decode.ts'
import { keptBytes } from '../../dead-letters/kept-bytes.ts'
import type { NamedLetter } from '../../dead-letters/letter.ts'
import { recordOf, requireAsIsHelps, requireSendable, requireUsable } from '../../dead-letters/repair.ts'
import { WindrowError } from '../../errors/index.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import { RetryTally } from './retry-tally.ts'
import type { DeadLettersConfig, Retried, RetriedMany, RetryManyRequest, RetryRequest } from './store.ts'

export async function retryIntoFile(
  config: DeadLettersConfig,
  { letter: { id, letter }, repair, by }: RetryRequest,
  path: string,
): Promise<Retried> {
  const record = recordOf(id, letter)
  if (repair.kind === 'as-is') requireAsIsHelps(id, letter)
  const line = repair.kind === 'line' ? repair.line : wholeLine(id, keptBytes(record))
  const what = repair.kind === 'line' ? 'the repaired record' : `${id} as it is`
  // The file can only contain JSON: a CSV row has no meaning without its header.
  requireUsable(what, createJsonDecoder(decodeOptionsOf(config)).decodeText(line))
  const outcome = await addRetriedLine(path, { id, line, ...(by === undefined ? {} : { by }) })
  return { id, sent: outcome === 'added', to: { file: path }, sentAtMs: null }
}

/** Writes all lines at once, when all dead letters are read. */
export async function retryManyIntoFile(
  config: DeadLettersConfig,
  request: RetryManyRequest,
  path: string,
): Promise<RetriedMany> {
  const tally = new RetryTally(request)
  const before = await retriedIn(path)
  const decoder = createJsonDecoder(decodeOptionsOf(config))
  const prepare = async ({ id, letter }: NamedLetter): Promise<{ item: RetriedLine; to: string }> => {
    const record = recordOf(id, letter)
    requireSendable(id, letter)
    const line = wholeLine(id, keptBytes(record))
    requireUsable(`${id} as it is`, decoder.decodeText(line))
    return { item: { id, line }, to: path }
  }
  const lines: RetriedLine[] = []
  for await (const line of tally.prepared(({ id }) => (before.has(id) ? 'sent' : null), prepare)) lines.push(line)
  tally.sent(await addRetriedLines(path, lines))
  return tally.outcome()
}

function wholeLine(id: string, { bytes, isWhole }: ReturnType<typeof keptBytes>): string {
  if (isWhole) return bytes.toString()
  throw new WindrowError(`the dead letter ${id} keeps only the first ${bytes.length} bytes of its record`, {
    code: 'DEAD_LETTER_CUT',
  })
}
