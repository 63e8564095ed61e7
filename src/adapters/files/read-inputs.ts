/**
 * Reads the records of all inputs in the order of the files, without partitions: in batches for the file source and for
 * sorting, one by one for `windrow produce`.
 */
import type { Readable } from 'node:stream'
import type { DecodeOptions } from '../json/mapping.ts'
import { openInput } from './bytes.ts'
import type { FileFormat } from './bytes.ts'
import { arrayPathsOf } from './long-object.ts'
import { Numbering } from './record.ts'
import type { FileRecord, RecordBatch } from './record.ts'
import { readRecords } from './read-records.ts'

export interface ReadInputsOptions {
  /** Paths, or `-` for standard input. The caller has expanded patterns. */
  readonly paths: readonly string[]
  readonly format: FileFormat | 'auto'
  readonly decode: DecodeOptions
  /** Stops reading between two records, without an error. */
  readonly signal: AbortSignal
  /** Called with the number of bytes read from the files, before decompression, and with the bytes. */
  readonly onRead?: (bytes: number, chunk: Buffer) => void
  /** @default process.stdin */
  readonly stdin?: Readable
  /** Longer records are undecodable. @default 1 MiB */
  readonly maxRecordBytes?: number
  /** @default numbers from 0 on, all decoded */
  readonly numbering?: Numbering
}

const MAX_RECORD_BYTES = 1024 * 1024

export async function* readBatches(options: ReadInputsOptions): AsyncGenerator<RecordBatch> {
  const { paths, format, decode, signal, onRead, stdin = process.stdin } = options
  const { maxRecordBytes = MAX_RECORD_BYTES, numbering = new Numbering(0) } = options
  const hasInnerRecords = arrayPathsOf(decode).length > 0
  try {
    for (const file of paths) {
      const input = await openInput(file, format, stdin, signal, onRead, hasInnerRecords)
      yield* readRecords(input.format, { file, chunks: input.chunks, numbering, maxRecordBytes, decode })
    }
  } catch (error) {
    // Aborting destroys the stream, which is not an error of the input.
    if (!signal.aborted) throw error
  }
}

export async function* readInputs(options: ReadInputsOptions): AsyncGenerator<FileRecord> {
  for await (const { records } of readBatches(options)) {
    for (const record of records) {
      if (options.signal.aborted) return
      yield record
    }
  }
}
