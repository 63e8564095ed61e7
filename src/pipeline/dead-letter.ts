/** Dead letters: every record that folding refused, with its place, the reason, and enough of its bytes to look at. */
import { createHash } from 'node:crypto'
import type { Refusal } from '../core/fate.ts'
import type { Json } from '../core/json.ts'
import type { SourceRecord } from '../core/point.ts'

/** Bytes of a refused record that its dead letter carries; the digest is over all of them. */
const MAX_DEAD_LETTER_BYTES = 1024
const MAX_DETAIL_CHARACTERS = 500

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
