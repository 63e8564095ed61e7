/** Records as all file readers deliver them: with a number, a place, and access to their bytes. */
import type { Decoded, RawRecord, SourceRecord } from '../../core/point.ts'

/** Records of one stretch of a file. */
export interface RecordBatch {
  readonly records: readonly FileRecord[]
  /** Bytes of the file that these records keep in memory. */
  readonly pinnedBytes: number
}

/** Numbers records across all inputs. Undecodable records are numbered too; blank lines and headers are not. */
export class Numbering {
  /** Number of the next record. */
  next = 0
  /** No partition needs records below this number, so they are counted without being decoded. */
  readonly decodeFrom: number

  constructor(decodeFrom: number) {
    this.decodeFrom = decodeFrom
  }
}

/** The line number, or the record number in formats without lines. Both start at 1. */
export interface FilePlace {
  readonly file: string
  readonly line: number
}

/**
 * A record refers to the chunk that it was read from. The source counts the chunk's bytes as buffered while the record is
 * queued. A dead letter keeps a copy of the record's own bytes.
 */
export class FileRecord implements SourceRecord {
  readonly offset: number
  readonly decoded: Decoded
  readonly brokerTimestampMs = null
  /** The record's bytes are `chunk[start, end)`. */
  readonly chunk: Buffer
  readonly start: number
  readonly end: number
  readonly file: string
  readonly line: number

  constructor(offset: number, decoded: Decoded, chunk: Buffer, start: number, end: number, file: string, line: number) {
    this.offset = offset
    this.decoded = decoded
    this.chunk = chunk
    this.start = start
    this.end = end
    this.file = file
    this.line = line
  }

  /** A part of the record, or other content at its place. */
  with(decoded: Decoded): FileRecord {
    const { offset, chunk, start, end, file, line } = this
    return new FileRecord(offset, decoded, chunk, start, end, file, line)
  }

  get raw(): () => RawRecord {
    return () => ({
      bytes: new Uint8Array(this.chunk.subarray(this.start, this.end)),
      place: { file: this.file, line: this.line },
    })
  }
}
