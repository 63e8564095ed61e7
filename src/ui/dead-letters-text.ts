/** Text of `windrow dead-letters`: lists, single dead letters and retries. Pure. */
import type { Retried, RetriedMany, RetryCounts } from '../app/dead-letters/store.ts'
import { keptBytes, readableBytes } from '../dead-letters/kept-bytes.ts'
import { isRecord, type NamedLetter } from '../dead-letters/letter.ts'
import { isRefusedUnlessChanged } from '../dead-letters/repair.ts'
import { formatBytes, formatCount, formatTime } from './format.ts'
import { clip, createStyle, type Style } from './style.ts'
import { renderTable, type Column } from './table.ts'

/** Length of details in lists. `show` prints all of them. */
const DETAIL_COLUMNS = 70

/** The result of a list: the first dead letters, and the counts by reason. */
export interface LetterList {
  readonly shown: readonly NamedLetter[]
  readonly retried: ReadonlySet<string>
  /** Counts of the dead letters that match the filter. */
  readonly byReason: ReadonlyMap<string, number>
  /** Counts of those that do not match. */
  readonly others: ReadonlyMap<string, number>
}

/** Several lines, each with its line end. */
export function letterListText(list: LetterList, style: Style = createStyle(false)): string {
  const { shown, retried, byReason, others } = list
  const hasTimes = shown.some(({ publishedAtMs }) => publishedAtMs !== null)
  const columns: Column[] = [
    { title: 'id' },
    { title: 'reason' },
    ...(hasTimes ? [{ title: 'published' }] : []),
    { title: 'size', align: 'right' },
    { title: 'detail' },
  ]
  const rows = shown.map(({ id, letter, publishedAtMs }) => [
    id,
    retried.has(id) ? `${letter.reason}, ${style.green('retried')}` : letter.reason,
    ...(hasTimes ? [publishedAtMs === null ? '' : formatTime(publishedAtMs - (publishedAtMs % 1000))] : []),
    isRecord(letter) ? formatBytes(letter.size) : '',
    clip(oneLine(letter.detail), DETAIL_COLUMNS),
  ])
  const all = totalOf(byReason)
  const left = all - shown.length
  const lines = [
    ...(rows.length === 0 ? [] : [...renderTable(columns, rows), '']),
    `${style.bold(`${formatCount(all)} dead letters`)}${all === 0 ? '' : `: ${reasonsText(byReason)}`}`,
    ...(left > 0 ? [`${formatCount(left)} more are not shown; --limit shows more`] : []),
    ...(totalOf(others) === 0 ? [] : [`filtered out: ${reasonsText(others)}`]),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** Everything about one dead letter. `line` is its record as an input line, `null` if it cannot be decoded. */
export function letterText(
  { id, letter, publishedAtMs }: NamedLetter,
  line: string | null,
  isRetried: boolean,
  style: Style = createStyle(false),
): string {
  const fields: [string, string][] = [
    ['id', style.bold(id)],
    ['reason', letter.reason],
    ['detail', oneLine(letter.detail)],
  ]
  if (publishedAtMs !== null) fields.push(['published', new Date(publishedAtMs).toISOString()])
  if (isRetried) fields.push(['retried', 'yes'])
  if (!isRecord(letter)) {
    fields.push(['VM', letter.vmId], ['window', formatTime(letter.windowStart)])
    fields.push(['received', formatCount(letter.received)])
    return text(fields)
  }
  const { place } = letter
  const kept = keptBytes(letter)
  const cut = kept.isWhole ? '' : `, the first ${formatCount(kept.bytes.length)} are stored`
  fields.push(
    ['place', 'file' in place ? `${place.file}:${place.line}` : `${place.topic}/${place.partition}@${letter.offset}`],
    ['size', `${formatCount(letter.size)} bytes${cut}`],
    ['SHA-256', letter.digest],
  )
  if (line !== null) fields.push(['decoded as', line])
  return `${text(fields)}\n${readableBytes(kept)}\n`
}

export function retriedText({ id, sent, to, sentAtMs }: Retried, style: Style = createStyle(false)): string {
  const where = 'file' in to ? to.file : `${to.topic}/${to.partition}`
  const when = sentAtMs === null ? '' : ` at ${new Date(sentAtMs).toISOString()}`
  if (!sent) return `${id} was sent to ${where} before${when}; nothing to do\n`
  const head = `${style.bold('sent')}  ${id} to ${where}\n`
  if (!('file' in to)) return head
  return `${head}${newJobText(to.file)}\n`
}

/** The progress of a retry of many. */
export function retryProgressText({ read, sent, sentBefore }: RetryCounts): string {
  const before = sentBefore === 0 ? '' : `, sent before ${formatCount(sentBefore)}`
  return `read ${formatCount(read)} dead letters, sent ${formatCount(sent)}${before}`
}

const WHY_NOT_SENT: { readonly [code: string]: string } = {
  RETRY_IN_VAIN: 'cannot be used as they are',
  DEAD_LETTER_CUT: 'are kept incompletely',
  NOT_A_RECORD: 'are VM windows, not records',
  NOT_OF_A_TOPIC: 'did not come from a topic',
}

export function retriedManyText(done: RetriedMany, style: Style = createStyle(false)): string {
  const { sent, sentBefore, cameBack, notSent, sentByReason, to, isStopped } = done
  const reasons = new Map(Object.entries(sentByReason))
  const where = to.length === 0 ? '' : ` to ${to.join(', ')}`
  const isFile = to.some((one) => one.endsWith('.ndjson'))
  const lines = [
    `${style.bold('sent')}  ${formatCount(sent)} records${sent === 0 ? '' : `${where}: ${reasonsText(reasons)}`}`,
    ...(sentBefore === 0 ? [] : [`  ${formatCount(sentBefore)} were sent before`]),
    ...(cameBack === 0 ? [] : [`  ${formatCount(cameBack)} are records that a retry sent and that were refused again`]),
    ...Object.entries(notSent).map(([code, count]) => `  ${formatCount(count)} ${WHY_NOT_SENT[code] ?? code}`),
    ...[...reasons.keys()]
      .filter(isRefusedUnlessChanged)
      .map(
        (reason) =>
          `  ${style.yellow('note')}: with unchanged settings, ${reason} records become the same dead letters again`,
      ),
    ...(isStopped ? ['stopped: run the same command again to send the rest'] : []),
    ...(isFile && sent > 0 ? [newJobText(to.join(' '))] : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function newJobText(path: string): string {
  return `The job on the first input has ended. A new one takes both: windrow run --input INPUT ${path} --data-dir NEW`
}

function text(fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}

/** Details can contain text from producers, so control characters are removed. */
function oneLine(detail: string): string {
  return detail.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

function reasonsText(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([reason, count]) => `${reason} ${formatCount(count)}`)
    .join(', ')
}

function totalOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
