/** What the readers of the formats have in common: records with a number, a place, and bytes that can be looked up. */
import type { Decoded, RawRecord, SourceRecord } from '../../core/point.ts'

/** Records of one stretch of a file. */
export interface RecordBatch {
  readonly records: readonly FileRecord[]
  /** Bytes of the file that these records keep in memory. */
  readonly pinnedBytes: number
}

/** Numbers records across all inputs. Undecodable ones have a number too; blank lines and headers have none. */
export class Numbering {
  /** Number of the next record. */
  next = 0
  /** Nobody wants records below this number, so they are counted without being decoded. */
  readonly decodeFrom: number

  constructor(decodeFrom: number) {
    this.decodeFrom = decodeFrom
  }
}

/** Line, or number of the record where a format has no lines; both from 1. */
export interface FilePlace {
  readonly file: string
  readonly line: number
}

/**
 * A record refers to the chunk that it was read from, which the source accounts for while the record waits. What a dead
 * letter keeps is a copy of its own bytes.
 */
export class FileRecord implements SourceRecord {
  readonly offset: number
  readonly decoded: Decoded
  readonly brokerTimestampMs = null
  readonly #chunk: Buffer
  readonly #start: number
  readonly #end: number
  readonly #file: string
  readonly #line: number

  constructor(offset: number, decoded: Decoded, chunk: Buffer, start: number, end: number, file: string, line: number) {
    this.offset = offset
    this.decoded = decoded
    this.#chunk = chunk
    this.#start = start
    this.#end = end
    this.#file = file
    this.#line = line
  }

  get raw(): () => RawRecord {
    return () => ({
      bytes: new Uint8Array(this.#chunk.subarray(this.#start, this.#end)),
      place: { file: this.#file, line: this.#line },
    })
  }
}
