/** Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/). Covers what OTLP uses. */

/** Values by field number, in order. A nested message is returned as bytes. */
export type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>

export function readMessage(bytes: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes.readUInt8(at++))
      value |= (byte & 0x7fn) << shift
      if ((byte & 0x80n) === 0n) return value
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError(`a field ends ${at + length - bytes.length} bytes too late`)
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const wireType = tag & 7
    const value =
      wireType === 0 ? varint() : wireType === 1 ? take(8) : wireType === 2 ? take(Number(varint())) : take(4)
    if (![0, 1, 2, 5].includes(wireType)) throw new RangeError(`there is no wire type ${wireType}`)
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), value])
  }
  return fields
}

export const nested = (message: Message, field: number): Message[] =>
  (message.get(field) ?? []).map((value) => readMessage(value as Buffer))

export const bytesOf = (message: Message, field: number): Buffer =>
  (message.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)

export const textOf = (message: Message, field: number): string => bytesOf(message, field).toString('utf8')
