/**
 * Decompression that kafkajs lacks: snappy, lz4 and zstd. Windrow itself writes uncompressed batches or gzip, so that an
 * installation compiles and downloads nothing.
 */
import * as zlib from 'node:zlib'
import { Decompress as ZstdReader } from 'fzstd'
import kafkajs from 'kafkajs'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { snappyDecompress } from '../bytes/snappy.ts'
import { lz4Decompress } from './lz4.ts'

/** Batches that decompress to more are refused, so that a small fetch cannot exhaust the memory. */
export const MAX_BATCH_BYTES = 128 * 1024 * 1024

type Decompressor = (input: Buffer, maxBytes: number) => Buffer

let registered = false

export function registerCodecs(): void {
  if (registered) return
  registered = true
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.Snappy] = reader('snappy', snappyDecompress)
  CompressionCodecs[CompressionTypes.LZ4] = reader('lz4', lz4Decompress)
  CompressionCodecs[CompressionTypes.ZSTD] = reader('zstd', zstdDecompress)
}

function reader(name: string, decompress: Decompressor) {
  return () => ({
    compress: () => Promise.reject(new WindrowError(`Windrow does not write ${name}`, { code: 'CODEC' })),
    decompress: async (input: Buffer) => decompress(input, MAX_BATCH_BYTES),
  })
}

type NativeZstd = (input: Uint8Array, options: { readonly maxOutputLength: number }) => Buffer

const nativeZstd = (zlib as unknown as { readonly zstdDecompressSync?: NativeZstd }).zstdDecompressSync

/** Uses the zstd of Node where it exists (22.15 and later), otherwise plain JavaScript. */
export function zstdDecompress(input: Buffer, maxBytes: number): Buffer {
  if (nativeZstd === undefined) return zstdDecompressPlain(input, maxBytes)
  try {
    return nativeZstd(input, { maxOutputLength: maxBytes })
  } catch (error) {
    throw corrupt(error)
  }
}

export function zstdDecompressPlain(input: Buffer, maxBytes: number): Buffer {
  const chunks: Uint8Array[] = []
  let total = 0
  try {
    const reader = new ZstdReader((chunk) => {
      total += chunk.length
      if (total > maxBytes) throw new RangeError(`it holds more than the ${maxBytes} bytes allowed`)
      chunks.push(chunk)
    })
    reader.push(input, true)
  } catch (error) {
    throw corrupt(error)
  }
  return Buffer.concat(chunks, total)
}

function corrupt(cause: unknown): WindrowError {
  return new WindrowError(`a zstd batch cannot be read: ${messageOf(cause)}`, { code: 'CORRUPT_BATCH', cause })
}
