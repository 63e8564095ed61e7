/** Determines what a retry sends instead of a refused record. Pure. */
import type { Decoded } from '../core/point.ts'
import { WindrowError } from '../errors/index.ts'
import type { DeadLetter, RefusedRecord } from '../ledger/dead-letter.ts'
import { isRecord } from './letter.ts'

/** What the user gave: a line of the job's input, or the word that the record may go again as it was. */
export type Repair = { readonly kind: 'line'; readonly line: string } | { readonly kind: 'as-is' }

export type Usable = Exclude<Decoded, { kind: 'undecodable' }>

/** The record of a dead letter. Throws for a VM window, which has none to send. */
export function recordOf(id: string, letter: DeadLetter): RefusedRecord {
  if (isRecord(letter)) return letter
  throw new WindrowError(`${id} is a VM window whose aggregator failed, not a record`, { code: 'NOT_A_RECORD' })
}

/** Throws where sending the same again would come to the same again. */
export function requireAsIsHelps(id: string, { reason }: DeadLetter): void {
  if (reason !== 'too-late') return
  throw new WindrowError(`${id} came too late, and would be later still`, {
    code: 'RETRY_IN_VAIN',
    remedy: 'Give a record whose window can still be amended, with --record or --file; or compute the windows again.',
  })
}

/** What can be sent, or an error that says why the job would refuse it. `what` names it in the message. */
export function requireUsable(what: string, decoded: Decoded): Usable {
  if (decoded.kind !== 'undecodable') return decoded
  throw new WindrowError(`${what} would be refused again: ${decoded.code}: ${decoded.detail}`, {
    code: 'RETRY_IN_VAIN',
    remedy: 'Give a line of the input, such as {"vmId":…,"metric":…,"timestamp":…,"seq":…,"value":…}.',
  })
}

export function usableVmId(usable: Usable): string {
  return usable.kind === 'point' ? usable.point.vmId : usable.manifest.vmId
}
