/**
 * Why a partition goes on no more: a value beside its ledger, `<job>-<partition>-halt`, for whoever looks on. It decides
 * nothing and nobody takes it away: it names the ownership that ended with it, and a takeover voids it.
 */
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { StateStore } from '../ports/index.ts'
import { isOwnedBy, readLedger, type Ledger } from './ledger.ts'

/** Of message and remedy each, in UTF-16 units: a message may quote a record. */
export const MAX_HALT_CHARS = 1000

export interface Halt {
  readonly format: 1
  /** The owner's; 0 and '': it halted before it had taken the partition for the first time. */
  readonly epoch: number
  readonly token: string
  readonly atMs: EpochMs
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/** An owner, or whoever wanted to become the first. */
export type HaltedOwner = Pick<Halt, 'epoch' | 'token'>

export const NO_OWNER: HaltedOwner = { epoch: 0, token: '' }

export function haltKey(job: string, partition: number): string {
  return `${job}-${partition}-halt`
}

/** Whether the partition that it ended can go on, here or elsewhere; all other errors halt it until the cause is mended. */
export function isTransient(error: unknown): error is WindrowError {
  return error instanceof WindrowError && (error.disposition !== 'fatal' || error.code === 'STOPPED')
}

/** Any error that halted a partition, as one with code and remedy. */
export function haltingError(partition: number, error: unknown): WindrowError {
  if (error instanceof WindrowError) return error
  return new WindrowError(`partition ${partition}: ${messageOf(error)}`, {
    code: 'UNEXPECTED',
    remedy: 'Please report this; nothing that was committed is lost.',
    cause: error,
  })
}

/**
 * Keeps why the owner halts, unless the ledger has another owner by now, who goes on. Whoever halts twice keeps the later
 * reason, so that running it again after a lost answer is safe.
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
    // After that read: a halt that a new owner keeps meanwhile makes the write below fail, and is then seen here.
    const ledger = (await readLedger(store, job, partition))?.ledger ?? null
    if (!isHeldBy(ledger, owner)) return
    if (stored === undefined) {
      if ((await store.insert(key, text)) === 'inserted') return
    } else if ((await store.swap(key, text, stored.etag)) === 'swapped') {
      return
    }
  }
}

/** The halt that holds with this ledger; `null` when the partition is not halted, as far as any owner got to say. */
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
  // Whatever another version says of a halt, its ownership is of the form that a ledger has.
  return isHeldBy(ledger, halt) ? halt : null
}

/** A ledger that is gone has no other owner. */
function isHeldBy(ledger: Ledger | null, owner: HaltedOwner): boolean {
  return ledger === null || isOwnedBy(ledger, owner)
}
