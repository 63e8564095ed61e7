/** The files of a commit: its results by day, their figures, its dead letters, and its certificates as metadata. */
import type { Certificate } from '../../core/certificate.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { SUMMARY_ID } from '../../core/summary.ts'
import type { OutboxBatch } from '../../ports/index.ts'
import { figureOf, metricsOf, resultOfLine, storable, SUMMARY_FIGURES, type ResultOfLine } from '../figures.ts'
import { DEAD_LETTER_COLUMNS, METRIC_COLUMNS, RESULT_COLUMNS } from './columns.ts'
import { encodeParquet, type ParquetRow } from './encode.ts'
import { CERTIFICATES_KEY, dayFolderOf, DEAD_LETTERS_IN, fileNameOf, METRICS_IN, RESULTS_IN } from './layout.ts'
import type { CommitPlace } from './layout.ts'

export interface CommitFile {
  /** Below the folder of the job; `deadLetters` are below their own one. */
  readonly folder: string
  readonly name: string
  readonly isDeadLetters: boolean
  readonly bytes: Uint8Array
}

/** What is published of one day. */
interface Day {
  readonly results: ParquetRow[]
  readonly metrics: ParquetRow[]
}

/** In the order in which they must be written: the file with the certificates comes last. */
export function* filesOfCommit(batch: OutboxBatch, partition: number): Generator<CommitFile> {
  const place = { partition, commit: batch.marker.commit }
  const name = fileNameOf(place)
  if (batch.deadLetters.length > 0) {
    const rows = batch.deadLetters.map((line, ordinal) => deadLetterRow(line, ordinal, place))
    const bytes = encodeParquet(DEAD_LETTER_COLUMNS, rows)
    yield { folder: DEAD_LETTERS_IN, name, isDeadLetters: true, bytes }
  }
  const days = daysOf(batch, place)
  const file = (folder: string, bytes: Uint8Array): CommitFile => ({ folder, name, isDeadLetters: false, bytes })
  for (const [day, { metrics }] of days) {
    if (metrics.length > 0) yield file(`${METRICS_IN}/${day}`, encodeParquet(METRIC_COLUMNS, metrics))
  }
  const certificates = batch.certificates.join('\n')
  const last = [...days.keys()].at(-1)
  for (const [day, { results }] of days) {
    const metadata = day === last && certificates !== '' ? { [CERTIFICATES_KEY]: certificates } : {}
    yield file(`${RESULTS_IN}/${day}`, encodeParquet(RESULT_COLUMNS, results, metadata))
  }
}

/** By the day of the window's start. Certificates without results have a day all the same. */
function daysOf({ results, certificates }: OutboxBatch, place: CommitPlace): ReadonlyMap<string, Day> {
  const days = new Map<string, Day>()
  const dayOf = (window: number): Day => {
    const name = dayFolderOf(window)
    const day = days.get(name) ?? { results: [], metrics: [] }
    days.set(name, day)
    return day
  }
  results.forEach((line, ordinal) => {
    const result = resultOfLine(line)
    const day = dayOf(result.windowStart)
    day.results.push(resultRow(line, result, ordinal, place))
    day.metrics.push(...metricRows(result, ordinal, place))
  })
  const last = certificates.at(-1)
  if (results.length === 0 && last !== undefined) dayOf(windowOf(JSON.parse(last) as Certificate))
  return days
}

function windowOf({ window, amended }: Certificate): number {
  return window?.start ?? amended[0]?.window ?? 0
}

function resultRow(line: string, result: ResultOfLine, ordinal: number, place: CommitPlace): ParquetRow {
  const { vmId, windowStart, windowEnd, revision, reason, expected, received, duplicates } = result
  const { conflicts, missingCount, aggregator } = result
  return [
    ...[storable(vmId), windowStart, windowEnd, revision, reason, expected, received, duplicates, conflicts],
    ...[missingCount, aggregator, line, ...placeValues(place, ordinal)],
  ]
}

function metricRows(result: ResultOfLine, ordinal: number, place: CommitPlace): readonly ParquetRow[] {
  const { vmId, windowStart, windowEnd, revision } = result
  const isSummary = (result.aggregator ?? SUMMARY_ID) === SUMMARY_ID
  return metricsOf(result).map(([metric, value]) => [
    ...[storable(vmId), windowStart, windowEnd, storable(metric), revision],
    ...SUMMARY_FIGURES.map((figure) => (isSummary ? figureOf(value, figure) : null)),
    isSummary ? null : canonicalJson(value as Json),
    ...placeValues(place, ordinal),
  ])
}

function deadLetterRow(line: string, ordinal: number, place: CommitPlace): ParquetRow {
  const { reason, offset = null } = JSON.parse(line) as { readonly reason: string; readonly offset?: number }
  return [reason, offset, line, ...placeValues(place, ordinal)]
}

function placeValues({ partition, commit }: CommitPlace, ordinal: number): readonly number[] {
  return [partition, commit, ordinal]
}
