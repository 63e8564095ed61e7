/** Decompresses bodies with a size limit, so that a small body cannot expand without bound. */
import { gunzip, type Gunzip } from 'node:zlib'
import { snappyDecompressRaw, snappySize } from '../adapters/bytes/snappy.ts'
import { messageOf } from '../errors/index.ts'
import { ProblemError } from './problem.ts'

/** Throws a ProblemError if the data is not gzip (400) or if it decompresses to more than `maxBytes` (413). */
export async function unpackGzip(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const { buffer, engine } = await inflate(packed, maxBytes)
  // zlib treats data after the last gzip member as padding and drops it. Here that would lose points.
  if (engine.bytesWritten !== packed.length) {
    throw notGzip(`${packed.length - engine.bytesWritten} bytes follow the compressed data`)
  }
  return buffer
}

/** Throws a ProblemError if the data is not snappy in its block format (400), or holds more than `maxBytes` (413). */
export function unpackSnappy(packed: Buffer, maxBytes: number): Buffer {
  try {
    if (snappySize(packed) <= maxBytes) return snappyDecompressRaw(packed, maxBytes)
  } catch (error) {
    throw new ProblemError({
      status: 400,
      code: 'BAD_SNAPPY',
      detail: `the body is not valid snappy: ${messageOf(error)}`,
      remedy: 'Compress the whole body with snappy, in its block format.',
    })
  }
  throw tooLarge(maxBytes)
}

function inflate(packed: Buffer, maxBytes: number): Promise<{ buffer: Buffer; engine: Gunzip }> {
  return new Promise((resolve, reject) => {
    // With `info` the result includes the engine, which knows how many input bytes it has consumed.
    gunzip(packed, { maxOutputLength: maxBytes, info: true }, (error, answer) => {
      if (error === null) resolve(answer as unknown as { buffer: Buffer; engine: Gunzip })
      else reject(isTooLarge(error) ? tooLarge(maxBytes) : notGzip(messageOf(error)))
    })
  })
}

function isTooLarge(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
}

export function tooLarge(maxBytes: number): ProblemError {
  return new ProblemError({
    status: 413,
    code: 'BODY_TOO_LARGE',
    detail: `the body has more than ${maxBytes} bytes, or decompresses to more`,
    remedy: 'Send fewer items in one request; the limit is the gateway setting maxBodyBytes.',
  })
}

function notGzip(reason: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'BAD_GZIP',
    detail: `Content-Encoding is gzip, but the body is not valid gzip: ${reason}`,
    remedy: 'Compress the whole body with gzip, or omit the header.',
  })
}
