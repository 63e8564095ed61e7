/**
 * The records of a bounded input in an order that gives the exact result: in the order of the files where that is in order
 * of time, else sorted by window. To find out, the files are read once before the job reads them. What cannot be read
 * twice (standard input, a pipe) is read as it comes, or sorted while it is read once.
 */
import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { decodedEntries, divide } from '../../core/entries.ts'
import { windowsOf } from '../../core/window-policy.ts'
import type { FinalClocks } from '../../core/final-clocks.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import type { FileFormat } from './bytes.ts'
import { exists } from './exists.ts'
import { lockFile } from './file-lock.ts'
import { nodeFileSystem } from './file-system.ts'
import type { InputBinding } from './inputs.ts'
import { readBatches } from './read-inputs.ts'
import type { Numbering } from './record.ts'
import type { RecordBatch } from './record.ts'
import { isInTimeOrder, windowKeyOf, type TimeOrderRules } from './time-order.ts'
import { WindowSorter } from './window-sorter.ts'

/** `auto`: finds it out. `time`: the order of the files, unchecked. `any`: sorted, unchecked. */
export type OrderSetting = 'auto' | 'time' | 'any'

/** How far reading is before the job begins. `share` is from 0 to 1; `null` where the size is unknown. */
export interface OrderProgress {
  readonly step: 'checking' | 'sorting'
  readonly share: number | null
}

export interface OrderedInputOptions {
  readonly inputs: InputBinding
  readonly order: OrderSetting
  readonly rules: TimeOrderRules
  readonly format: FileFormat | 'auto'
  readonly decode: DecodeOptions
  /** Observes the records in the order of the files, if they are sorted. */
  readonly clocks?: FinalClocks
  /** For the sorted records. Whatever an earlier process left there is removed. */
  readonly folder: string
  readonly onProgress: (progress: OrderProgress) => void
  /** @default process.stdin */
  readonly stdin?: Readable
  /** Size of the buffer in which records are sorted. @default that of `WindowSorter` */
  readonly runBytes?: number
}

export interface OrderedInput {
  /** SHA-256 of the files as they are, hexadecimal; `null` if the records are not sorted. */
  readonly sortedDigest: string | null
  /** The records from `numbering.decodeFrom` on. The offset of a record is its position in this order. */
  read(numbering: Numbering, signal: AbortSignal): AsyncGenerator<RecordBatch>
  /** Removes the sorted records. */
  close(): Promise<void>
}

/**
 * Finds the order, and sorts the records if necessary. `before`: whether an earlier run of the job sorted them, which
 * decides; `null` for none. Returns `null` if `signal` aborts first.
 */
export async function openOrderedInput(
  options: OrderedInputOptions,
  before: boolean | null,
  signal: AbortSignal,
): Promise<OrderedInput | null> {
  const { folder, rules } = options
  const isSorted = before ?? (await mustBeSorted(options, signal))
  if (signal.aborted) return null
  const close = isSorted || (await exists(folder)) ? await takeFolder(folder) : null
  if (close === null || !isSorted) {
    await close?.()
    return {
      sortedDigest: null,
      read: (numbering, stop) => readFiles(options, stop, { numbering }),
      close: () => Promise.resolve(),
    }
  }
  try {
    const sorter = new WindowSorter({
      folder,
      ...(options.runBytes === undefined ? {} : { runBytes: options.runBytes }),
    })
    const digest = createHash('sha256')
    const onRead = (_: number, chunk: Buffer): void => void digest.update(chunk)
    const windows = windowsOf(rules)
    let key = -Infinity
    for await (const { records } of readFiles(options, signal, { onRead, step: 'sorting' })) {
      for (const record of records) {
        for (const entry of decodedEntries(record.decoded)) {
          if (entry.kind === 'point') options.clocks?.observe(entry.point.vmId, entry.point.timestamp)
        }
        // Entries of one record may belong to several windows.
        for (const [at, decoded] of divide(record.decoded, (entry) => (key = windowKeyOf(entry, windows, key)))) {
          const part = decoded === record.decoded ? record : record.with(decoded)
          while (!sorter.add(part, at)) await sorter.flush()
        }
      }
    }
    if (!signal.aborted) await sorter.finish()
    if (signal.aborted) {
      await close()
      return null
    }
    return { sortedDigest: digest.digest('hex'), read: (numbering) => sorter.read(numbering), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Empties the folder, which an earlier process may have left, and keeps other processes out of it until it is closed. */
async function takeFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(dirname(folder), { recursive: true })
  const lock = await lockFile(nodeFileSystem, `${folder}.lock`, {
    what: 'the sorted records',
    remedy: 'Wait until that process has ended, or give --data-dir another path.',
  })
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  await remove()
  return async () => {
    await remove()
    await lock.release()
  }
}

async function mustBeSorted(options: OrderedInputOptions, signal: AbortSignal): Promise<boolean> {
  const { inputs, order, rules } = options
  if (order !== 'auto') return order === 'any'
  const isRepeatable = inputs.every(({ size }) => size !== undefined)
  // One pipe is most likely a live stream, which must not wait for its end. Several inputs are never one stream.
  if (!isRepeatable) return inputs.length > 1
  return !(await isInTimeOrder(readFiles(options, signal, { step: 'checking' }), rules))
}

function readFiles(
  { inputs, format, decode, stdin, onProgress }: OrderedInputOptions,
  signal: AbortSignal,
  more: {
    readonly numbering?: Numbering
    readonly onRead?: (bytes: number, chunk: Buffer) => void
    readonly step?: OrderProgress['step']
  },
): AsyncGenerator<RecordBatch> {
  const { numbering, onRead, step } = more
  const sizes = inputs.map(({ size }) => size ?? Number.NaN)
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0)
  let bytesRead = 0
  return readBatches({
    ...{ paths: inputs.map(({ path }) => path), format, decode, signal },
    onRead(bytes, chunk) {
      onRead?.(bytes, chunk)
      bytesRead += bytes
      if (step !== undefined) onProgress({ step, share: totalBytes > 0 ? Math.min(1, bytesRead / totalBytes) : null })
    },
    ...(numbering === undefined ? {} : { numbering }),
    ...(stdin === undefined ? {} : { stdin }),
  })
}
