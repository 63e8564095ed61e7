/**
 * Reads and writes protobuf messages (https://protobuf.dev/programming-guides/encoding/), as far as the embedded sidecar and the
 * gateway need it.
 * Sub-messages that the sidecar only passes on (inputs, results, failure details) stay bytes from the request to the
 * response. Decoding and encoding them with the generated classes was most of the cost of a workflow.
 */

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5
const MAX_VARINT_BYTES = 10
const OPEN_LENGTH_BYTES = 4

/** Iterates over the fields of one message: `while (reader.next()) switch (reader.field) …`. Fields that are not read are skipped. */
export class ProtoReader {
  /** Number of the field that `next` found. */
  field = 0
  readonly #buffer: Buffer
  readonly #end: number
  #position: number
  #wireType = 0
  #pending = false

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer
    this.#position = start
    this.#end = end
  }

  next(): boolean {
    if (this.#pending) this.#skip()
    if (this.#position >= this.#end) return false
    const tag = this.#varint()
    this.field = tag >>> 3
    this.#wireType = tag & 7
    this.#pending = true
    return true
  }

  /** An int32, enum or bool as a number. */
  int32(): number {
    this.#expect(VARINT)
    return this.#varint() | 0
  }

  /** A non-negative int64, exact below 2^53. */
  uint53(): number {
    this.#expect(VARINT)
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw new RangeError('a varint has more than ten bytes')
  }

  /** An int64 of either sign, rounded to a double beyond 2^53. */
  int64(): number {
    this.#expect(VARINT)
    let value = 0n
    for (let i = 0n; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << (7n * i)
      if (byte < 0x80) return Number(BigInt.asIntN(64, value))
    }
    throw new RangeError('a varint has more than ten bytes')
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#fixed64())
  }

  fixed64(): bigint {
    return this.#buffer.readBigUInt64LE(this.#fixed64())
  }

  /** An sfixed64, rounded to a double beyond 2^53. */
  sfixed64(): number {
    return Number(this.#buffer.readBigInt64LE(this.#fixed64()))
  }

  /** The bytes of a `bytes`, `string` or message field: a view of the request. Callers that keep it must copy it. */
  bytes(): Buffer {
    this.#expect(LENGTH_DELIMITED)
    const length = this.#varint()
    const start = this.#position
    this.#advance(length)
    return this.#buffer.subarray(start, start + length)
  }

  string(): string {
    this.#expect(LENGTH_DELIMITED)
    const length = this.#varint()
    const start = this.#position
    this.#advance(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  message(): ProtoReader {
    return new ProtoReader(this.bytes())
  }

  /** The position of an eight-byte field, which is skipped. */
  #fixed64(): number {
    this.#expect(FIXED64)
    const at = this.#position
    this.#advance(8)
    return at
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw new RangeError(`field ${this.field} has wire type ${this.#wireType}`)
    this.#pending = false
  }

  #skip(): void {
    this.#pending = false
    if (this.#wireType === VARINT) this.#varint()
    else if (this.#wireType === LENGTH_DELIMITED) this.#advance(this.#varint())
    else if (this.#wireType === FIXED64) this.#advance(8)
    else if (this.#wireType === FIXED32) this.#advance(4)
    else throw new RangeError(`wire type ${this.#wireType} is not in proto3`)
  }

  #advance(length: number): void {
    if (length > this.#end - this.#position) throw new RangeError('the message is truncated')
    this.#position += length
  }

  /** The low 32 bits, unsigned. They hold all of a tag, a length or an int32; a negative int32 is encoded as ten bytes. */
  #varint(): number {
    let value = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#byte()
      if (i < 5) value |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return value >>> 0
    }
    throw new RangeError('a varint has more than ten bytes')
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new RangeError('the message is truncated')
    return this.#buffer[this.#position++] as number
  }
}

/** Writes one message. Fields with the default value of their type are left out, as proto3 does. */
export class ProtoWriter {
  readonly #allocate: (bytes: number) => Buffer
  #buffer: Buffer
  #length = 0

  /**
   * @param sizeHint expected bytes; a good hint avoids growing
   * @param allocate `transient` for messages that are sent and not kept
   */
  constructor(sizeHint = 64, allocate: (bytes: number) => Buffer = keep) {
    this.#allocate = allocate
    this.#buffer = allocate(sizeHint)
  }

  int32(field: number, value: number): this {
    if (value === 0) return this
    this.#reserve(16)
    this.#varint(field << 3)
    if (value >= 0) {
      this.#varint(value)
    } else {
      // Sign-extended to 64 bits: five groups of the low half, then ones.
      let low = value
      for (let i = 0; i < 4; i++, low >>= 7) this.#buffer[this.#length++] = (low & 0x7f) | 0x80
      this.#buffer[this.#length++] = (low & 0x7f) | 0x80 | 0x70
      for (let i = 0; i < 4; i++) this.#buffer[this.#length++] = 0xff
      this.#buffer[this.#length++] = 1
    }
    return this
  }

  bool(field: number, value: boolean): this {
    return this.int32(field, value ? 1 : 0)
  }

  /** A non-negative int64 below 2^53. */
  uint53(field: number, value: number): this {
    if (value === 0) return this
    this.#reserve(16)
    this.#varint(field << 3)
    this.#varint(value)
    return this
  }

  double(field: number, value: number): this {
    if (Object.is(value, 0)) return this
    this.#reserve(16)
    this.#varint((field << 3) | FIXED64)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
    return this
  }

  string(field: number, text: string): this {
    if (text === '') return this
    const length = Buffer.byteLength(text)
    this.#reserve(length + 16)
    this.#varint((field << 3) | LENGTH_DELIMITED)
    this.#varint(length)
    this.#length += this.#buffer.write(text, this.#length)
    return this
  }

  /** A `bytes` field; left out when empty. */
  bytes(field: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.message(field, value)
  }

  /** A message field, already encoded; present even when empty, absent when `undefined`. */
  message(field: number, encoded: Uint8Array | undefined): this {
    if (encoded === undefined) return this
    this.#reserve(encoded.length + 16)
    this.#varint((field << 3) | LENGTH_DELIMITED)
    this.#varint(encoded.length)
    this.#buffer.set(encoded, this.#length)
    this.#length += encoded.length
    return this
  }

  /** Begins a message field that is written in place; `close` ends it. */
  open(field: number): number {
    this.#reserve(16)
    this.#varint((field << 3) | LENGTH_DELIMITED)
    this.#length += OPEN_LENGTH_BYTES
    return this.#length
  }

  /** The length always takes four bytes: a padded varint, which every protobuf reader accepts. */
  close(opened: number): this {
    const length = this.#length - opened
    for (let i = 0; i < OPEN_LENGTH_BYTES; i++) {
      const more = i < OPEN_LENGTH_BYTES - 1 ? 0x80 : 0
      this.#buffer[opened - OPEN_LENGTH_BYTES + i] = ((length >>> (7 * i)) & 0x7f) | more
    }
    return this
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const grown = this.#allocate(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }

  #varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = rest >= 0x80000000 ? (rest % 0x80) | 0x80 : (rest & 0x7f) | 0x80
      rest = rest >= 0x80000000 ? Math.floor(rest / 0x80) : rest >>> 7
    }
    this.#buffer[this.#length++] = rest
  }
}

function keep(bytes: number): Buffer {
  return Buffer.allocUnsafe(bytes)
}

const SLAB_BYTES = 256 * 1024
let slab = Buffer.alloc(0)

/**
 * Memory for messages that are sent and not kept. It is cut from large slabs, because allocating a buffer per message
 * costs more than writing the message. Do not store data that lives longer: it would keep a whole slab alive.
 */
export function transient(bytes: number): Buffer {
  if (bytes > SLAB_BYTES / 8) return Buffer.allocUnsafe(bytes)
  if (bytes > slab.length) slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  const part = slab.subarray(0, bytes)
  slab = slab.subarray(bytes)
  return part
}

/** `google.protobuf.StringValue` around a text. */
export function stringValue(text: string): Buffer {
  return new ProtoWriter(Buffer.byteLength(text) + 16).string(1, text).finish()
}

/** `google.protobuf.Timestamp` of a time in ms since the epoch; not negative. */
export function timestamp(atMs: number): Buffer {
  const seconds = Math.floor(atMs / 1000)
  return new ProtoWriter(16)
    .uint53(1, seconds)
    .int32(2, Math.round((atMs - seconds * 1000) * 1e6))
    .finish()
}

/** Milliseconds of a `google.protobuf.Timestamp`. */
export function timestampMs(encoded: Buffer): number {
  let ms = 0
  const reader = new ProtoReader(encoded)
  while (reader.next()) {
    if (reader.field === 1) ms += reader.uint53() * 1000
    else if (reader.field === 2) ms += reader.int32() / 1e6
  }
  return ms
}
