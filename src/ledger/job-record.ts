/**
 * The job record: what a job is bound to from its first run on. Windows, aggregator, partitions and source decide what
 * records mean; under other ones the ledgers would tell lies.
 */
import { canonicalJson, type Json } from '../core/json.ts'
import type { Windowing } from '../core/windowing.ts'
import { WindrowError } from '../errors.ts'
import type { StateStore } from '../pipeline/ports.ts'
import { jobKey } from './attempt-id.ts'

export interface JobRecord {
  readonly format: 1
  readonly job: string
  readonly partitions: number
  readonly rules: Windowing
  readonly aggregator: string
  /** What the source says of itself, to be compared by the source. */
  readonly source: Json
}

/**
 * Binds the job, or checks that it is bound to the same; returns the record in force. `checkSource` gets what the record
 * keeps of its source and throws where that is another one: before all else, since it explains other differences.
 */
export async function bindJob(
  store: StateStore,
  wanted: JobRecord,
  checkSource: (before: Json) => void = () => undefined,
): Promise<JobRecord> {
  const key = jobKey(wanted.job)
  const text = canonicalJson(wanted as unknown as Json)
  await store.insert(key, text)
  const stored = (await store.get([key])).get(key)?.value
  if (stored === undefined) throw new Error(`the job record ${key} was written and is not there`)
  const record = JSON.parse(stored) as JobRecord
  checkSource(record.source)
  const differences = differencesOf(record, wanted)
  if (differences.length === 0) return record
  throw new WindrowError(`job ${wanted.job} began with other settings: ${differences.join('; ')}`, {
    code: 'JOB_CHANGED',
    remedy: 'Start with the settings that it began with, or give the new ones another --job or --data-dir.',
  })
}

/** The source has its own check, with a message of its own. */
function differencesOf(before: JobRecord, now: JobRecord): string[] {
  const differences: string[] = []
  const compare = (name: string, a: unknown, b: unknown): void => {
    if (a !== b) differences.push(`${name} was ${JSON.stringify(a)} and is now ${JSON.stringify(b)}`)
  }
  compare('format', before.format, now.format)
  compare('partitions', before.partitions, now.partitions)
  compare('aggregator', before.aggregator, now.aggregator)
  for (const name of Object.keys(now.rules) as (keyof Windowing)[]) compare(name, before.rules[name], now.rules[name])
  return differences
}
