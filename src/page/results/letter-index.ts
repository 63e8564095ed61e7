/** The dead letters of a job in short, and where their lines are; the newest ones up to a limit, and counts of all. Pure. */
import type { NamedLetter } from '../../dead-letters/letter.ts'
import { isRecord } from '../../dead-letters/letter.ts'
import type { LineAt } from './feed.ts'

export interface IndexedLetter {
  readonly id: string
  readonly reason: string
  /** Partition of the record; `null`: a VM window in quarantine. */
  readonly partition: number | null
  readonly publishedAtMs: number | null
  /** Partition of the topic that has the line; `null`: a file. */
  readonly linePartition: number | null
  readonly at: LineAt
}

export class LetterIndex {
  readonly #max: number
  /** In order of arrival. */
  #all: IndexedLetter[] = []
  readonly #byReason = new Map<string, number>()
  #dropped = 0
  #version = 0

  constructor(max: number) {
    this.#max = max
  }

  get version(): number {
    return this.#version
  }

  /** Whether older ones were dropped. */
  get isTruncated(): boolean {
    return this.#dropped > 0
  }

  /** Numbers of all that were added, by reason. */
  get byReason(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#byReason].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  add({ id, letter, publishedAtMs }: NamedLetter, linePartition: number | null, at: LineAt): void {
    const { reason } = letter
    const partition = isRecord(letter) ? letter.partition : null
    this.#all.push({ id, reason, partition, publishedAtMs, linePartition, at })
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1)
    this.#version++
    if (this.#all.length <= this.#max * 1.1) return
    this.#dropped += this.#all.length - this.#max
    this.#all = this.#all.slice(-this.#max)
  }

  find(id: string): IndexedLetter | null {
    return this.#all.findLast((one) => one.id === id) ?? null
  }

  /** In order of arrival. */
  all(): readonly IndexedLetter[] {
    return this.#all
  }

  clear(): void {
    this.#all = []
    this.#byReason.clear()
    this.#dropped = 0
    this.#version++
  }
}
