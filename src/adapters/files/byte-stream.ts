/** Joins chunks into one stream of bytes, for readers that need a whole block at a time. */

export class ByteStream {
  /** Bytes that were read from the chunks; those before `pos` have been consumed. */
  bytes: Buffer = Buffer.alloc(0)
  pos = 0
  /** Bytes of the stream before `bytes`. */
  #before = 0
  readonly #chunks: AsyncIterator<Buffer>

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Position in the whole stream. */
  get position(): number {
    return this.#before + this.pos
  }

  get available(): number {
    return this.bytes.length - this.pos
  }

  /** Reads until `count` bytes are available after `pos`. Returns `false` if the stream ends before that. */
  async ensure(count: number): Promise<boolean> {
    if (this.available >= count) return true
    const parts = [this.bytes.subarray(this.pos)]
    let available = this.available
    while (available < count) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      parts.push(next.value)
      available += next.value.length
    }
    this.#before += this.pos
    this.pos = 0
    const [first, second] = parts
    this.bytes = parts.length === 2 && first?.length === 0 ? (second as Buffer) : Buffer.concat(parts)
    return available >= count
  }

  /** Consumes the next `count` bytes, which must be available, and returns a view of them. */
  take(count: number): Buffer {
    this.pos += count
    return this.bytes.subarray(this.pos - count, this.pos)
  }

  /** Ends the underlying stream. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
