/**
 * Announces the windows of a job, whichever process closes them. What is known is in the state store:
 *
 *   <job>-windows-<place>          the head: how far the partitions are, and the windows that may have to be announced
 *   <job>-windows-<place>-<start>  one window: the partitions' shares, and the record that was announced last
 *
 * - W1 A share is stored before the window is listed as pending, under a new number. A window leaves the list only after a
 *   record with all its shares was sent, and only under the number that was read before the shares were. So a crash at any
 *   step repeats work and loses none, whatever another process does meanwhile.
 * - W2 A record is stored before it is sent, with its revision. So a record that is sent again is the same.
 * - W3 A window is announced when every partition has closed it, or a later one. A partition that closes nothing holds it
 *   back for `deadline` after the first partition has closed it, and holds back no later window until it closes one.
 * - W4 First records are sent in the order of windows.
 */
import { canonicalJson, type Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import type { Clock, OutboxBatch, StateStore } from '../../ports/index.ts'
import { changedShare, changesOf, hasShares, mergedWindow, type JobWindow, type WindowChange } from './merge.ts'
import type { WindowShares } from './merge.ts'

export interface AnnouncerOptions {
  readonly job: string
  readonly partitions: number
  readonly store: StateStore
  readonly clock: Clock
  /** How long a partition without windows holds back a window; `null`: for ever. */
  readonly deadlineMs: number | null
  /** Prefix of the keys. */
  readonly key: string
  /** Resolves when the record is stored or acknowledged. */
  readonly send: (record: JobWindow) => Promise<void>
}

interface Head {
  readonly format: 1
  /** End of the last window that each partition has closed. */
  readonly passed: { readonly [partition: string]: EpochMs }
  /** Partitions that a window did not wait for, and that have closed none since. */
  readonly idle: readonly number[]
  /** The windows that have changed since they were announced, by their start, with the number of their last listing. */
  readonly pending: { readonly [start: string]: number }
  /** Number of listings so far. */
  readonly listings: number
}

interface WindowState {
  readonly format: 1
  readonly start: EpochMs
  readonly end: EpochMs
  /** When the first partition closed it, by the wall clock. */
  readonly firstClosedMs: EpochMs
  readonly shares: WindowShares
  readonly record: JobWindow | null
  readonly isSent: boolean
}

const NEW_HEAD: Head = { format: 1, passed: {}, idle: [], pending: {}, listings: 0 }

export class Announcer {
  readonly #options: AnnouncerOptions
  /** One at a time in this process: others only make each other repeat their work. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** Takes over what a commit has closed or amended, then announces what is due. */
  take(partition: number, batch: OutboxBatch): Promise<void> {
    const changes = changesOf(batch)
    if (changes.length === 0) return Promise.resolve()
    return this.#inTurn(async () => {
      for (const change of changes) await this.#storeShare(partition, change)
      await this.#update(this.#options.key, NEW_HEAD, (head) => withChanges(head, partition, changes))
      await this.#announce(false)
    })
  }

  /** Every partition has come to the end of its input, so no window has to wait. */
  finish(): Promise<void> {
    return this.#inTurn(() => this.#announce(true))
  }

  async #storeShare(partition: number, change: WindowChange): Promise<void> {
    const { start, end } = change
    const fresh: WindowState = {
      ...{ format: 1, start, end, firstClosedMs: this.#options.clock.nowMs() },
      ...{ shares: {}, record: null, isSent: false },
    }
    await this.#update(this.#keyOf(start), fresh, (state) => {
      const share = changedShare(state.shares[partition], change)
      return { ...state, shares: { ...state.shares, [partition]: share } }
    })
  }

  async #announce(hasEnded: boolean): Promise<void> {
    for (;;) {
      // One reading of the head shows what is pending and how far the partitions are: a later one could show that a window
      // is due and, before it, a window that this one did not list yet.
      const head = await this.#read(this.#options.key, NEW_HEAD)
      const start = Math.min(...Object.keys(head.pending).map(Number))
      if (start === Infinity || !(await this.#announceWindow(head, start, hasEnded))) return
      const listing = head.pending[start]
      await this.#update(this.#options.key, NEW_HEAD, (now) => withoutPending(now, start, listing))
    }
  }

  /** Whether the window is announced as it is now. W4: if it is not, the later ones wait. */
  async #announceWindow(head: Head, start: EpochMs, hasEnded: boolean): Promise<boolean> {
    const { key, job } = this.#options
    const state = await this.#read<WindowState | null>(this.#keyOf(start), null)
    if (state === null) throw new Error(`the window ${start} of ${job} is listed and not stored`)
    const lacking = hasEnded ? [] : this.#lacking(head, state)
    if (lacking === null) return false
    for (;;) {
      // W2.
      const made = await this.#update(this.#keyOf(start), state, (now) => withRecord(now, job, lacking))
      const { record, shares } = made
      if (record === null) throw new Error('a record was stored a moment ago')
      if (lacking.length > 0) await this.#update(key, NEW_HEAD, (before) => withIdle(before, lacking))
      if (!made.isSent) {
        await this.#options.send(record)
        await this.#update(this.#keyOf(start), made, (now) =>
          now.record?.revision === record.revision ? { ...now, isSent: true } : now,
        )
      }
      if (hasShares(record, shares)) return true
    }
  }

  /** W3: the partitions that the window does not wait for; `null` if it has to wait for one. */
  #lacking({ passed, idle }: Head, { end, firstClosedMs, record }: WindowState): readonly number[] | null {
    const { partitions, clock, deadlineMs } = this.#options
    const open = Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) => (passed[partition] ?? -Infinity) < end,
    )
    const hasWaited = deadlineMs !== null && clock.nowMs() - firstClosedMs >= deadlineMs
    const mustWait = open.some((partition) => !idle.includes(partition))
    return record === null && mustWait && !hasWaited ? null : open
  }

  #keyOf(start: EpochMs): string {
    return `${this.#options.key}-${start}`
  }

  async #read<T>(key: string, otherwise: T): Promise<T> {
    const stored = (await this.#options.store.get([key])).get(key)
    return stored === undefined ? otherwise : (JSON.parse(stored.value) as T)
  }

  /** Changes a value by compare-and-swap; returns what is stored then. */
  async #update<T extends object>(key: string, fresh: T, change: (before: T) => T): Promise<T> {
    const { store } = this.#options
    for (;;) {
      const stored = (await store.get([key])).get(key)
      const after = change(stored === undefined ? fresh : (JSON.parse(stored.value) as T))
      const text = canonicalJson(after as unknown as Json)
      if (stored?.value === text) return after
      const isWritten =
        stored === undefined
          ? (await store.insert(key, text)) === 'inserted'
          : (await store.swap(key, text, stored.etag)) === 'swapped'
      if (isWritten) return after
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function withChanges(head: Head, partition: number, changes: readonly WindowChange[]): Head {
  const starts = changes.map(({ start }) => start)
  const closed = changes.filter(({ closes }) => closes).map(({ end }) => end)
  const listed = withPending(head, starts)
  if (closed.length === 0) return listed
  const end = Math.max(head.passed[partition] ?? -Infinity, ...closed)
  const idle = head.idle.filter((one) => one !== partition)
  return { ...listed, passed: { ...head.passed, [partition]: end }, idle }
}

function withPending(head: Head, starts: readonly EpochMs[]): Head {
  const listings = head.listings + 1
  const listed = Object.fromEntries(starts.map((start) => [start, listings]))
  return { ...head, listings, pending: { ...head.pending, ...listed } }
}

function withoutPending(head: Head, start: EpochMs, listing: number | undefined): Head {
  if (head.pending[start] !== listing) return head
  return { ...head, pending: Object.fromEntries(Object.entries(head.pending).filter(([one]) => one !== String(start))) }
}

function withIdle(head: Head, lacking: readonly number[]): Head {
  return { ...head, idle: [...new Set([...head.idle, ...lacking])].sort((a, b) => a - b) }
}

/** A new revision if the shares have changed since the last one. A revision that may not have been sent is sent first. */
function withRecord(state: WindowState, job: string, lacking: readonly number[]): WindowState {
  const { start, end, record, isSent, shares } = state
  if (record !== null && (!isSent || hasShares(record, shares))) return state
  const place = { job, windowStart: start, windowEnd: end, revision: (record?.revision ?? 0) + 1, lacking }
  return { ...state, record: mergedWindow(place, shares), isSent: false }
}
