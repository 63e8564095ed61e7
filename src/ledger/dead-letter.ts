/** Dead letters: every record that folding refused, with its place, the reason, and enough of its bytes to look at. */
import { createHash } from 'node:crypto'
import type { Refusal } from '../core/fate.ts'
import type { Json } from '../core/json.ts'
import type { RawRecord, SourceRecord } from '../core/point.ts'

/** Bytes of a refused record that its dead letter carries; the digest is over all of them. */
const MAX_DEAD_LETTER_BYTES = 1024
const MAX_DETAIL_CHARACTERS = 500

export interface Why {
  /** A `DeadLetterReason`; one of another version may have further ones. */
  readonly reason: string
  readonly detail: string
}

export interface RefusedRecord {
  readonly partition: number
  readonly offset: number
  readonly place: RawRecord['place']
  readonly size: number
  /** SHA-256 of all bytes, base64url. */
  readonly digest: string
  /** The first of them, base64. */
  readonly bytes: string
}

export interface QuarantinedVmWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly received: number
}

/** What a published line holds: `deadLetterRow` of a record, or a VM window whose aggregator failed. */
export type DeadLetter = Why & (RefusedRecord | QuarantinedVmWindow)

export function deadLetterRow(partition: number, record: SourceRecord, refusal: Refusal): Json {
  const { bytes, place } = record.raw()
  return {
    partition,
    offset: record.offset,
    reason: refusal.reason,
    detail: refusal.detail.slice(0, MAX_DETAIL_CHARACTERS),
    place: { ...place },
    size: bytes.length,
    digest: createHash('sha256').update(bytes).digest('base64url'),
    bytes: Buffer.from(bytes.subarray(0, MAX_DEAD_LETTER_BYTES)).toString('base64'),
  }
}
