/**
 * The job record: what a job is bound to from its first run on. Windows, aggregator, partitions and source decide what
 * records mean; under other ones the ledgers would tell lies.
 */
import { durationText } from '../core/durations.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import { RULES_BEFORE, type Windowing } from '../core/windowing.ts'
import { WindrowError } from '../errors/index.ts'
import type { StateStore } from '../ports/index.ts'
import { jobKey } from './attempt-id.ts'

export interface JobRecord {
  readonly format: 1
  readonly job: string
  readonly partitions: number
  readonly rules: Windowing
  readonly aggregator: string
  /** How fields of the records are called. */
  readonly fields: Json
  /** What the source says of itself, to be compared by the source. */
  readonly source: Json
}

/**
 * Binds the job, or checks that it is bound to the same; returns the record in force. `checkSource` gets what the record
 * keeps of its source and throws where that is another one: before all else, since it explains other differences.
 * `isUntouched` tells whether no record was ever consumed: a first try with a slip in it does not bind the job for good.
 */
export async function bindJob(
  store: StateStore,
  wanted: JobRecord,
  checkSource: (before: Json) => void = () => undefined,
  isUntouched: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<JobRecord> {
  const key = jobKey(wanted.job)
  const text = canonicalJson(wanted)
  for (;;) {
    await store.insert(key, text)
    const stored = (await store.get([key])).get(key)
    if (stored === undefined) throw new Error(`the job record ${key} was written and is not there`)
    const record = JSON.parse(stored.value) as JobRecord
    try {
      checkSource(record.source)
      assertSame(record, wanted)
      // Rules that the version which bound the job did not know keep that version's behaviour.
      return { ...record, rules: { ...RULES_BEFORE, ...record.rules } }
    } catch (error) {
      if (!(error instanceof WindrowError) || !(await isUntouched())) throw error
      if ((await store.swap(key, text, stored.etag)) === 'swapped') return wanted
    }
  }
}

function assertSame(before: JobRecord, now: JobRecord): void {
  const differences = differencesOf(before, now)
  if (differences.length === 0) return
  throw new WindrowError(`job ${now.job} began with other settings: ${differences.join('; ')}`, {
    code: 'JOB_CHANGED',
    remedy: 'Start with the settings that it began with, or give the new ones another --job or --data-dir.',
  })
}

/** The rules under the names of their settings, where these differ. */
const SETTING_OF: { readonly [rule in keyof Windowing]?: string } = {
  sizeMs: 'window',
  graceMs: 'grace',
  deadlineMs: 'deadline',
  expectEveryMs: 'expectEvery',
  maxAheadMs: 'maxAhead',
  closeAtEndOnly: 'order any',
}

function shown(rule: string, value: unknown): string {
  return rule.endsWith('Ms') && typeof value === 'number' ? durationText(value) : JSON.stringify(value)
}

/** The source has its own check, with a message of its own. */
function differencesOf(before: JobRecord, now: JobRecord): string[] {
  const differences: string[] = []
  const compare = (name: string, a: unknown, b: unknown): void => {
    const setting = SETTING_OF[name as keyof Windowing] ?? name
    if (a !== b) differences.push(`${setting} was ${shown(name, a)} and is now ${shown(name, b)}`)
  }
  compare('format', before.format, now.format)
  compare('partitions', before.partitions, now.partitions)
  compare('aggregator', before.aggregator, now.aggregator)
  compare('fields', canonicalJson(before.fields), canonicalJson(now.fields))
  for (const name of Object.keys(now.rules) as (keyof Windowing)[]) {
    if (name in before.rules || !(name in RULES_BEFORE)) compare(name, before.rules[name], now.rules[name])
  }
  return differences
}
