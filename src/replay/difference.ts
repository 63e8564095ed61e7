/** Compares the results of two jobs, VM window by VM window: the highest revision that each has published of it. Pure. */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'

export interface VmWindowDifference {
  readonly vmId: string
  readonly windowStart: EpochMs
  readonly kind: 'only-live' | 'only-replay' | 'differs'
  /** Of those that differ: names of fields, with both values. */
  readonly fields: readonly { readonly field: string; readonly live: Json; readonly replay: Json }[]
}

export interface ReplayDifference {
  /** VM windows that both have, equal byte for byte but for the revision, and for the mark of a promotion. */
  readonly equal: number
  readonly onlyLive: number
  readonly onlyReplay: number
  readonly differing: number
  /** The first of them, by window and VM. */
  readonly first: readonly VmWindowDifference[]
}

/** How many differences are reported individually; further ones are only counted. */
export const MAX_DIFFERENCES = 100

/** The latest results by VM window; results of other windows are not kept. */
export class LatestResults {
  readonly #byKey = new Map<string, VmWindowResult>()
  readonly #windows: ReadonlySet<EpochMs>

  constructor(windows: ReadonlySet<EpochMs>) {
    this.#windows = windows
  }

  add(line: string): void {
    const result = JSON.parse(line) as VmWindowResult
    if (!this.#windows.has(result.windowStart)) return
    const key = `${result.windowStart} ${result.vmId}`
    const before = this.#byKey.get(key)
    if (before === undefined || before.revision <= result.revision) this.#byKey.set(key, result)
  }

  of(windowStart: EpochMs, vmId: string): VmWindowResult | null {
    return this.#byKey.get(`${windowStart} ${vmId}`) ?? null
  }

  all(): Iterable<VmWindowResult> {
    return this.#byKey.values()
  }

  differenceFrom(replay: LatestResults): ReplayDifference {
    const { equal, found } = this.differencesFrom(replay)
    const count = (kind: VmWindowDifference['kind']): number => found.filter((one) => one.kind === kind).length
    return {
      ...{ equal, onlyLive: count('only-live'), onlyReplay: count('only-replay'), differing: count('differs') },
      first: found.slice(0, MAX_DIFFERENCES),
    }
  }

  /** All that differ, by window and VM. */
  differencesFrom(replay: LatestResults): { readonly equal: number; readonly found: readonly VmWindowDifference[] } {
    const found: VmWindowDifference[] = []
    let equal = 0
    for (const [key, live] of this.#byKey) {
      const { vmId, windowStart } = live
      const other = replay.#byKey.get(key)
      const fields = other === undefined ? [] : differingFields(live, other)
      if (other === undefined) found.push({ vmId, windowStart, kind: 'only-live', fields })
      else if (fields.length > 0) found.push({ vmId, windowStart, kind: 'differs', fields })
      else equal++
    }
    for (const [key, { vmId, windowStart }] of replay.#byKey) {
      if (!this.#byKey.has(key)) found.push({ vmId, windowStart, kind: 'only-replay', fields: [] })
    }
    found.sort((a, b) => a.windowStart - b.windowStart || (a.vmId < b.vmId ? -1 : 1))
    return { equal, found }
  }
}

/** Dotted names of the fields that differ. Revision and promotion describe the publication, not the result: ignored. */
function differingFields(live: VmWindowResult, replay: VmWindowResult): VmWindowDifference['fields'] {
  const fields: { field: string; live: Json; replay: Json }[] = []
  const compare = (name: string, a: Json, b: Json): void => {
    if (canonicalJson(a) === canonicalJson(b)) return
    if (isRecord(a) && isRecord(b)) {
      for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
        compare(name === '' ? key : `${name}.${key}`, a[key] ?? null, b[key] ?? null)
      }
    } else fields.push({ field: name, live: a, replay: b })
  }
  const { aggregator: _, ...others } = replay
  // Version 0.1.0 published results without the aggregator.
  compare('', bare(live), bare(live.aggregator === undefined ? others : replay))
  return fields
}

function bare({ revision: _revision, promoted: _promoted, ...result }: VmWindowResult): Json {
  return result as unknown as Json
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
