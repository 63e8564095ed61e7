/** Determines what a retry sends instead of a refused record. Pure. */
import type { Decoded } from '../core/point.ts'
import { WindrowError } from '../errors/index.ts'
import type { DeadLetter, RefusedRecord } from '../ledger/dead-letter.ts'
import { isRecord } from './letter.ts'

/** What the user gave: a line of the job's input, or the word that the record may go again as it was. */
export type Repair = { readonly kind: 'line'; readonly line: string } | { readonly kind: 'as-is' }

/** A point or a manifest. */
export type Usable = Extract<Decoded, { kind: 'point' | 'manifest' }>

/** The record of a dead letter. Throws for a VM window, which has none to send. */
export function recordOf(id: string, letter: DeadLetter): RefusedRecord {
  if (isRecord(letter)) return letter
  throw new WindrowError(`${id} is a VM window whose aggregator failed, not a record`, { code: 'NOT_A_RECORD' })
}

/** Throws where sending the same again would come to the same again. */
export function requireAsIsHelps(id: string, { reason }: DeadLetter): void {
  if (isNeverUsable(reason)) throw neverUsable(id, reason)
  if (reason === 'conflict') {
    throw new WindrowError(`${id} is a conflict: another record holds its identity, and would hold it again`, {
      code: 'RETRY_IN_VAIN',
      remedy: 'Give the record with another seq or producer, with --record or --file.',
    })
  }
  if (reason !== 'too-late') return
  throw new WindrowError(`${id} came too late, and would be later still`, {
    code: 'RETRY_IN_VAIN',
    remedy: 'Give a record whose window can still be amended, with --record or --file; or compute the windows again.',
  })
}

/** Whether no setting makes the record usable. */
export function isNeverUsable(reason: string): boolean {
  return reason === 'value-out-of-range' || reason === 'timestamp-out-of-range'
}

/**
 * Whether the job that refused the record refuses it again as long as its settings are the same. Many of them can be sent
 * nevertheless, for a job with other settings.
 */
export function isRefusedUnlessChanged(reason: string): boolean {
  return reason === 'too-late' || reason === 'conflict'
}

/** Throws unless a retry of many may send the record unchanged. */
export function requireSendable(id: string, { reason }: DeadLetter): void {
  if (isNeverUsable(reason)) throw neverUsable(id, reason)
}

function neverUsable(id: string, reason: string): WindrowError {
  return new WindrowError(`${id} would be refused again whatever the settings: ${reason}`, {
    code: 'RETRY_IN_VAIN',
    remedy: 'Give a corrected record, with --record or --file.',
  })
}

/** What can be sent, or an error that says why the job would refuse it. `what` names it in the message. */
export function requireUsable(what: string, decoded: Decoded): Usable {
  if (decoded.kind === 'point' || decoded.kind === 'manifest') return decoded
  if (decoded.kind !== 'undecodable') {
    throw new WindrowError(
      `${what} is ${decoded.kind === 'entries' ? 'a record of several points' : 'without a value'}`,
      {
        code: 'RETRY_IN_VAIN',
        remedy: 'Give one point with its value as a line of the input.',
      },
    )
  }
  throw new WindrowError(`${what} would be refused again: ${decoded.code}: ${decoded.detail}`, {
    code: 'RETRY_IN_VAIN',
    remedy: 'Give a line of the input, such as {"vmId":…,"metric":…,"timestamp":…,"seq":…,"value":…}.',
  })
}

export function usableVmId(usable: Usable): string {
  return usable.kind === 'point' ? usable.point.vmId : usable.manifest.vmId
}
