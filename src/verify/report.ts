/** The report of `verify`: how much was compared, and what differs. */
import type { Findings } from './findings.ts'
import type { EpochMs } from '../core/point.ts'
import type { Json } from '../core/json.ts'

/** A published value that differs from the records. `expected` is the recounted value, `found` the published one. */
export interface Difference {
  readonly partition: number | null
  /** Sequence of the certificate; `null` if the difference belongs to none. */
  readonly certificate: number | null
  /** Start of the window; `null` if the difference belongs to no window. */
  readonly window: EpochMs | null
  /** `null` for a whole window or the certificate itself. */
  readonly vmId: string | null
  readonly revision: number | null
  /** Member of the result or certificate. */
  readonly field: string
  readonly expected: Json
  readonly found: Json
}

export interface Compared {
  readonly compared: number
  readonly equal: number
  readonly different: number
}

export const SUBJECTS = ['certificates', 'windows', 'vmWindows', 'points'] as const
export type Subject = (typeof SUBJECTS)[number]

/** Certificates that cannot be checked, because the log no longer has some of their records. */
export interface Loss {
  readonly partition: number
  readonly certificates: readonly [first: number, last: number]
  /** Start of the first and end of the last window; `null` if no window closed. */
  readonly windows: readonly [EpochMs, EpochMs] | null
  /** Offsets of the first record that is needed and of the first one that still exists. */
  readonly neededFrom: number
  readonly logStart: number
}

export interface VerifyReport {
  readonly job: string
  readonly partitions: number
  readonly records: number
  readonly compared: Readonly<Record<Subject, Compared>>
  /** The first 1,000 differences. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  readonly lost: readonly Loss[]
  /** What could not be compared, and why. */
  readonly notes: readonly string[]
  /** Windows of the job; absent if they are not compared. */
  readonly jobWindows?: Compared
  /** What the records show about the producers. Not a difference. */
  readonly findings: Findings
}

/** Maximum number of stored differences; all are counted. */
const MAX_DIFFERENCES = 1_000

export class Tally {
  readonly #counts = new Map<Subject, { compared: number; different: number }>()
  readonly differences: Difference[] = []
  differenceCount = 0
  readonly notes = new Set<string>()

  add(subject: Subject, count: number, isEqual: boolean): void {
    const counts = this.#counts.get(subject) ?? { compared: 0, different: 0 }
    this.#counts.set(subject, counts)
    counts.compared += count
    if (!isEqual) counts.different += count
  }

  differs(difference: Difference): void {
    this.differenceCount++
    if (this.differences.length < MAX_DIFFERENCES) this.differences.push(difference)
  }

  compared(): Record<Subject, Compared> {
    const of = (subject: Subject): Compared => {
      const { compared, different } = this.#counts.get(subject) ?? { compared: 0, different: 0 }
      return { compared, equal: compared - different, different }
    }
    return {
      certificates: of('certificates'),
      windows: of('windows'),
      vmWindows: of('vmWindows'),
      points: of('points'),
    }
  }
}

/** One member that differs. */
export interface FieldDifference {
  readonly field: string
  readonly expected: Json
  readonly found: Json
}

/** Compares members and stores those that differ. */
export class Fields {
  readonly differences: FieldDifference[] = []

  compare(field: string, expected: Json, found: Json): void {
    if (JSON.stringify(expected) !== JSON.stringify(found)) this.differences.push({ field, expected, found })
  }
}
