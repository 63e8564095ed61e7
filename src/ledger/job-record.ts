/**
 * The job record: the settings that a job is bound to from its first run on. Windows, aggregator, partitions and source
 * decide what a record means, so ledgers that were written under other settings would be wrong.
 */
import { durationText } from '../core/durations.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import { windowsOf } from '../core/window-policy.ts'
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
  /** The names of the input fields. */
  readonly fields: Json
  /** How the source identifies itself. Only the source can compare two of these. */
  readonly source: Json
  /** Version of the time zone data with which a job of calendar windows began. */
  readonly timeZoneData?: string
}

/**
 * Binds a new job to its settings, or checks that an existing job has the same ones; returns the record in force. Throws
 * JOB_CHANGED for other settings.
 *
 * `checkSource` gets the stored identity of the source and throws if the source is another one. It runs first, since another
 * source explains other differences. `isUntouched` returns whether the job has consumed no record yet: such a job may be
 * bound again, so that a mistake in the first run can be corrected.
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
    if (stored === undefined) throw new Error(`the job record ${key} was written a moment ago and is missing`)
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
  throw new WindrowError(`job ${now.job} began with other settings: ${differences.join('; ')}`, { code: 'JOB_CHANGED' })
}

/** Names of settings that differ from the name of their rule. */
const SETTING_OF: { readonly [rule in keyof Windowing]?: string } = {
  graceMs: 'grace',
  deadlineMs: 'deadline',
  expectEveryMs: 'expectEvery',
  maxAheadMs: 'maxAhead',
  closeAtEndOnly: 'order any',
  inWindowOrder: 'sorting by window',
}

/** The rules that decide the windows are compared and shown as a whole. */
const WINDOW_RULES: ReadonlySet<keyof Windowing> = new Set(['sizeMs', 'offsetMs', 'calendar'])

function shown(rule: string, value: unknown): string {
  if (rule === 'window') return String(value)
  return rule.endsWith('Ms') && typeof value === 'number' ? durationText(value) : JSON.stringify(value)
}

/** `source` is left out, since the source checks it with a message of its own. */
function differencesOf(before: JobRecord, now: JobRecord): string[] {
  const differences: string[] = []
  const compare = (name: string, a: unknown, b: unknown): void => {
    const setting = SETTING_OF[name as keyof Windowing] ?? name
    if (JSON.stringify(a) !== JSON.stringify(b))
      differences.push(`${setting} was ${shown(name, a)} and is now ${shown(name, b)}`)
  }
  compare('format', before.format, now.format)
  compare('partitions', before.partitions, now.partitions)
  compare('aggregator', before.aggregator, now.aggregator)
  compare('fields', canonicalJson(before.fields), canonicalJson(now.fields))
  compare('window', windowsOf(before.rules).text, windowsOf(now.rules).text)
  for (const name of Object.keys(now.rules) as (keyof Windowing)[]) {
    if (WINDOW_RULES.has(name)) continue
    if (name in before.rules || !(name in RULES_BEFORE)) compare(name, before.rules[name], now.rules[name])
  }
  return differences
}
