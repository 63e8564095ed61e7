/**
 * Why a partition halted. The reason is stored next to the ledger, under `<job>-<partition>-halt`, so that `windrow status`
 * can show it. It is informational only and never deleted: it names the owner that halted, so the next takeover invalidates
 * it.
 */
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { StateStore } from '../ports/index.ts'
import { isOwnedBy, readLedger, type Ledger } from './ledger.ts'

/** Bound of message and remedy each, in UTF-16 units. A message may quote a record, so it needs a bound. */
export const MAX_HALT_CHARS = 1000

export interface Halt {
  readonly format: 1
  /** Epoch and token of the owner that halted; 0 and '' if it halted before the partition had its first owner. */
  readonly epoch: number
  readonly token: string
  readonly atMs: EpochMs
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/** The owner that halted, or {@link NO_OWNER}. */
export type HaltedOwner = Pick<Halt, 'epoch' | 'token'>

/** Stands for a processor that halted before the partition had its first owner. */
export const NO_OWNER: HaltedOwner = { epoch: 0, token: '' }

export function haltKey(job: string, partition: number): string {
  return `${job}-${partition}-halt`
}

/**
 * Whether the partition can continue after this error, here or in another processor. Every other error halts the partition
 * until its cause is fixed.
 */
export function isTransient(error: unknown): error is WindrowError {
  return error instanceof WindrowError && (error.disposition !== 'fatal' || error.code === 'STOPPED')
}

/** The error that halted a partition as a WindrowError; an error of another class becomes UNEXPECTED. */
export function haltingError(partition: number, error: unknown): WindrowError {
  if (error instanceof WindrowError) return error
  return new WindrowError(`partition ${partition}: ${messageOf(error)}`, { code: 'UNEXPECTED', cause: error })
}

/**
 * Stores why the owner halts. Does nothing if the partition has another owner by now, since that one continues. A second
 * call replaces the reason of the first, so repeating a call whose answer was lost is safe.
 */
export async function storeHalt(
  store: StateStore,
  job: string,
  partition: number,
  owner: HaltedOwner,
  error: WindrowError,
  atMs: EpochMs,
): Promise<void> {
  const key = haltKey(job, partition)
  const { code } = error
  const text = canonicalJson({
    ...{ format: 1, epoch: owner.epoch, token: owner.token, atMs, code },
    ...{ message: error.message.slice(0, MAX_HALT_CHARS), remedy: error.remedy.slice(0, MAX_HALT_CHARS) },
  } satisfies Halt)
  for (;;) {
    const stored = (await store.get([key])).get(key)
    // Read after the halt: if a new owner stores its halt in between, the write below fails and the loop sees the new owner.
    const ledger = (await readLedger(store, job, partition))?.ledger ?? null
    if (!isHeldBy(ledger, owner)) return
    if (stored === undefined) {
      if ((await store.insert(key, text)) === 'inserted') return
    } else if ((await store.swap(key, text, stored.etag)) === 'swapped') {
      return
    }
  }
}

/** The halt of the ledger's current owner; `null` if it has stored none. */
export async function readHalt(
  store: StateStore,
  job: string,
  partition: number,
  ledger: Ledger | null,
): Promise<Halt | null> {
  const key = haltKey(job, partition)
  const stored = (await store.get([key])).get(key)
  if (stored === undefined) return null
  const halt = JSON.parse(stored.value) as Halt
  // Another version may store other members, but epoch and token are those of the ledger in every version.
  return isHeldBy(ledger, halt) ? halt : null
}

/** Without a ledger there is no other owner. */
function isHeldBy(ledger: Ledger | null, owner: HaltedOwner): boolean {
  return ledger === null || isOwnedBy(ledger, owner)
}
