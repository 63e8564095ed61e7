/** gzip with a bound: however small a body is packed, no more than the limit is ever unpacked. */
import { gunzip, type Gunzip } from 'node:zlib'
import { messageOf } from '../errors/index.ts'
import { ProblemError } from './problem.ts'

/** Throws a ProblemError for what is no gzip (400) and for what unpacks to more than `maxBytes` (413). */
export async function unpackGzip(packed: Buffer, maxBytes: number): Promise<Buffer> {
  const { buffer, engine } = await inflate(packed, maxBytes)
  // zlib takes what follows the last member for padding and drops it: here that would be points.
  if (engine.bytesWritten !== packed.length) {
    throw notGzip(`${packed.length - engine.bytesWritten} bytes follow the packed data`)
  }
  return buffer
}

function inflate(packed: Buffer, maxBytes: number): Promise<{ buffer: Buffer; engine: Gunzip }> {
  return new Promise((resolve, reject) => {
    // With `info` the answer is the output and the engine, which knows how much of the input it has used.
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
    detail: `the body has more than ${maxBytes} bytes, or unpacks to more`,
    remedy: 'Send fewer items in one request; the limit is the gateway setting maxBodyBytes.',
  })
}

function notGzip(what: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'BAD_GZIP',
    detail: `the body is not what Content-Encoding says, gzip: ${what}`,
    remedy: 'Pack the whole body with gzip, or leave the header out.',
  })
}
