/** Splits a stream of chunks into stretches of whole lines, without ever holding an oversized line in memory. */

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
/** Bytes of an oversized line that are kept for its dead letter. */
export const KEPT_HEAD_BYTES = 4096

export interface Stretch {
  /** The start of an oversized line that ended right before `bytes`; usually `null`. */
  readonly oversizedHead: Buffer | null
  /** Whole lines, each with its line feed, which the last line of the input may lack. */
  readonly bytes: Buffer
}

export async function* stretchesOf(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Stretch> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let oversizedHead: Buffer | null = null
  let isSkipping = false

  for await (let chunk of chunks) {
    if (isSkipping) {
      const end = chunk.indexOf(NEWLINE)
      if (end < 0) continue
      isSkipping = false
      chunk = chunk.subarray(end + 1)
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end > 0) {
      // Only the line that two chunks share is copied: a copy of each chunk would double the memory that waits for its release.
      const seam = pending.length === 0 ? 0 : chunk.indexOf(NEWLINE) + 1
      if (seam > 0) {
        yield { oversizedHead, bytes: Buffer.concat([...pending, chunk.subarray(0, seam)]) }
        oversizedHead = null
      }
      if (seam < end) yield { oversizedHead, bytes: chunk.subarray(seam, end) }
      oversizedHead = null
      pending = []
      pendingBytes = 0
    }
    if (end < chunk.length) pending.push(chunk.subarray(end))
    pendingBytes += chunk.length - end
    // A carriage return does not count.
    if (pendingBytes > maxLineBytes + 1) {
      if (oversizedHead !== null) yield { oversizedHead, bytes: Buffer.alloc(0) }
      oversizedHead = Buffer.from(joined(pending).subarray(0, KEPT_HEAD_BYTES))
      isSkipping = true
      pending = []
      pendingBytes = 0
    }
  }
  yield { oversizedHead, bytes: joined(pending) }
}

/** Index after the last byte of the line whose line feed, or end of input, is at `newline`. */
export function trimReturn(bytes: Buffer, start: number, newline: number): number {
  return newline > start && bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline
}

/** Index of the line feed that ends the line at `start`, or the end of the bytes. */
export function newlineAfter(bytes: Buffer, start: number): number {
  const newline = bytes.indexOf(NEWLINE, start)
  return newline < 0 ? bytes.length : newline
}

/** Whether a line consists of white space only and so holds no record. */
export function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte !== 0x20 && byte !== 0x09 && byte !== CARRIAGE_RETURN) return false
  }
  return true
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}
