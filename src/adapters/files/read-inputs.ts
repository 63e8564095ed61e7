/** Reads the records of all inputs, one file after another, without partitions; for `windrow produce` and `verify`. */
import type { Readable } from 'node:stream'
import type { DecodeOptions } from '../json/mapping.ts'
import { openInput } from './bytes.ts'
import type { FileFormat } from './bytes.ts'
import { Numbering } from './record.ts'
import type { FileRecord } from './record.ts'
import { readRecords } from './read-records.ts'

export interface ReadInputsOptions {
  /** Paths, or `-` for standard input. The caller has expanded patterns. */
  readonly paths: readonly string[]
  readonly format: FileFormat | 'auto'
  readonly decode: DecodeOptions
  /** Stops reading between two records, without an error. */
  readonly signal: AbortSignal
  /** Called with the number of bytes read from the files, before decompression. */
  readonly onRead: (bytes: number) => void
  /** @default process.stdin */
  readonly stdin?: Readable
}

/** Longer records are undecodable, as they are for a run. */
const MAX_RECORD_BYTES = 1024 * 1024

export async function* readInputs(options: ReadInputsOptions): AsyncGenerator<FileRecord> {
  const { paths, format, decode, signal, onRead, stdin = process.stdin } = options
  const numbering = new Numbering(0)
  try {
    for (const file of paths) {
      const input = await openInput(file, format, stdin, signal, onRead)
      const chunks = input.chunks
      const batches = readRecords(input.format, { file, chunks, numbering, maxRecordBytes: MAX_RECORD_BYTES, decode })
      for await (const { records } of batches) {
        for (const record of records) {
          if (signal.aborted) return
          yield record
        }
      }
    }
  } catch (error) {
    // Aborting destroys the stream, which is not an error of the input.
    if (!signal.aborted) throw error
  }
}
