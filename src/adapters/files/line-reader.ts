/**
 * Reads formats with one record per line. It handles what they have in common: record numbers, places, blank and
 * oversized lines. It checks each stretch once for non-ASCII bytes, so that ordinary lines need no UTF-8 decoding.
 */
import { isAscii } from 'node:buffer'
import type { Decoded } from '../../core/point.ts'
import { undecodable } from '../mapping/undecodable.ts'
import { isBlank, KEPT_HEAD_BYTES, newlineAfter, stretchesOf, trimReturn } from './lines.ts'
import { FileRecord } from './record.ts'
import type { Numbering, RecordBatch } from './record.ts'

export interface LineFormat {
  /** Called once per stretch, before its lines. */
  begin(bytes: Buffer, isAscii: boolean): void
  /** The record of a non-blank line; `null` if the line is not a record, such as a header. */
  decode(bytes: Buffer, start: number, end: number): Decoded | null
  /** Whether a line holds no record whatever its content, such as a comment. Such lines are not numbered. */
  isIgnored?(bytes: Buffer, start: number, end: number): boolean
  /** Called for each blank line. */
  blankLine?(): void
  /** Whether the next line must be decoded even if its record is not needed. */
  readonly needsNextLine: boolean
}

export interface LineReaderOptions {
  readonly file: string
  readonly chunks: AsyncIterable<Buffer>
  readonly numbering: Numbering
  readonly maxRecordBytes: number
}

/** At most this many records are created at once, so that very short lines cannot fill the memory. */
const MAX_BATCH_RECORDS = 4096

export async function* readLineRecords(format: LineFormat, options: LineReaderOptions): AsyncGenerator<RecordBatch> {
  const { file, numbering, maxRecordBytes } = options
  let line = 0
  const oversized = (head: Buffer, start: number, end: number): FileRecord | null => {
    const offset = numbering.next++
    if (offset < numbering.decodeFrom) return null
    const decoded = undecodable('oversized', `the line is longer than ${maxRecordBytes} bytes`)
    return new FileRecord(offset, decoded, head, start, end, file, line)
  }

  for await (const { oversizedHead, bytes } of stretchesOf(options.chunks, maxRecordBytes)) {
    let records: FileRecord[] = []
    if (oversizedHead !== null) {
      line++
      const record = oversized(oversizedHead, 0, Math.min(oversizedHead.length, maxRecordBytes))
      if (record !== null) records.push(record)
    }
    format.begin(bytes, isAscii(bytes))
    let yieldedTo = 0
    for (let start = 0; start < bytes.length;) {
      const newline = newlineAfter(bytes, start)
      const end = trimReturn(bytes, start, newline)
      line++
      if (end - start > maxRecordBytes) {
        const record = oversized(bytes, start, start + Math.min(KEPT_HEAD_BYTES, maxRecordBytes))
        if (record !== null) records.push(record)
      } else if (isBlank(bytes, start, end)) {
        format.blankLine?.()
      } else if (format.isIgnored?.(bytes, start, end) !== true) {
        if (!format.needsNextLine && numbering.next < numbering.decodeFrom) numbering.next++
        else {
          const decoded = format.decode(bytes, start, end)
          if (decoded !== null) records.push(new FileRecord(numbering.next++, decoded, bytes, start, end, file, line))
        }
      }
      start = newline + 1
      if (records.length === MAX_BATCH_RECORDS) {
        yield { records, pinnedBytes: start - yieldedTo }
        records = []
        yieldedTo = start
      }
    }
    if (records.length > 0) yield { records, pinnedBytes: bytes.length - yieldedTo }
  }
}
