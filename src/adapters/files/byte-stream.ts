/** Chunks as one run of bytes, for a reader that must see a whole block before it can go on. */

export class ByteStream {
  /** What was read and not yet passed over begins at `pos`. */
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

  /** Reads until `count` bytes are available behind `pos`; `false` when the stream ends before. */
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

  /** The next `count` bytes, which must be available, as a view. */
  take(count: number): Buffer {
    this.pos += count
    return this.bytes.subarray(this.pos - count, this.pos)
  }

  /** Ends the stream behind it. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
