/**
 * Dead letters. Folding refuses some records, and some VM windows go into quarantine because the user's aggregator fails;
 * each of them is published as a dead letter, with the reason. The letter of a record has its position and its first bytes.
 */
import { createHash } from 'node:crypto'
import { positionOf } from '../core/entries.ts'
import type { Refusal } from '../core/fate.ts'
import type { RawRecord, SourceRecord } from '../core/point.ts'

/** Bytes of a refused record that its dead letter carries; the digest is over all bytes of the record. */
const MAX_DEAD_LETTER_BYTES = 1024
const MAX_DETAIL_CHARACTERS = 500

/** Why there is a dead letter, as a reader finds it. */
export interface LetterReason {
  /** A `DeadLetterReason`, or one that a later version of Windrow has added. */
  readonly reason: string
  readonly detail: string
}

export interface RefusedRecord {
  readonly partition: number
  readonly offset: number
  /** Position in a record of several entries, from 0 on; absent: the record has one entry. */
  readonly entry?: number
  readonly place: RawRecord['place']
  readonly size: number
  /** SHA-256 of all bytes, base64url. */
  readonly digest: string
  /** The first 1024 bytes, base64. */
  readonly bytes: string
}

export interface QuarantinedVmWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly received: number
}

/** A published line. */
export type DeadLetter = LetterReason & (RefusedRecord | QuarantinedVmWindow)

/** The dead letter of a refused record. */
export type RecordLetter = Refusal & RefusedRecord
/** The dead letter of a VM window in quarantine. No single record is to blame: all of its points are in the topic. */
export type QuarantineLetter = Refusal & QuarantinedVmWindow

/** `index`: which of the record's entries was refused. */
export function deadLetterRow(
  partition: number,
  record: SourceRecord,
  refusal: Refusal,
  index: number = 0,
): RecordLetter {
  const { bytes, place } = record.raw()
  const entry = positionOf(record.decoded, index)
  return {
    partition,
    offset: record.offset,
    ...(entry === null ? {} : { entry }),
    reason: refusal.reason,
    detail: refusal.detail.slice(0, MAX_DETAIL_CHARACTERS),
    place: { ...place },
    size: bytes.length,
    digest: createHash('sha256').update(bytes).digest('base64url'),
    bytes: Buffer.from(bytes.subarray(0, MAX_DEAD_LETTER_BYTES)).toString('base64'),
  }
}
