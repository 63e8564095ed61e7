/** What verifying comes to: how much was compared, and what differs. */
import type { EpochMs } from '../core/point.ts'
import type { Json } from '../core/json.ts'

/** Something published that is not what the records say. `expected` is what was counted again, `found` what is published. */
export interface Difference {
  readonly partition: number | null
  /** Sequence of the certificate that it was seen with; `null`: with none. */
  readonly certificate: number | null
  /** Start of the window, where it is one's. */
  readonly window: EpochMs | null
  /** `null`: of a whole window, or of the certificate itself. */
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

/** Certificates that cannot be checked, since records that they speak of are gone. */
export interface Loss {
  readonly partition: number
  readonly certificates: readonly [first: number, last: number]
  /** From the first window to the end of the last; `null` where no window closed. */
  readonly windows: readonly [EpochMs, EpochMs] | null
  /** The first record that is needed, and the first one that is still there. */
  readonly neededFrom: number
  readonly logStart: number
}

export interface VerifyReport {
  readonly job: string
  readonly partitions: number
  readonly records: number
  readonly compared: Readonly<Record<Subject, Compared>>
  /** The first of them. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  readonly lost: readonly Loss[]
  /** What could not be compared, and why. */
  readonly notes: readonly string[]
}

/** Differences that are kept; all are counted. */
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

/** Keeps what differs of what is compared, under the names of the members. */
export class Fields {
  readonly differences: FieldDifference[] = []

  compare(field: string, expected: Json, found: Json): void {
    if (JSON.stringify(expected) !== JSON.stringify(found)) this.differences.push({ field, expected, found })
  }
}
