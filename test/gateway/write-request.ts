/** Encodes remote write requests for tests, independently of the reader under test. */

/** Labels, and samples as time in ms and value. */
export interface TestSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly (readonly [timestampMs: number, value: number])[]
}

/** A `prometheus.WriteRequest` in protobuf. */
export function encodeWriteRequest(series: readonly TestSeries[]): Buffer {
  return Buffer.concat(
    series.map(({ labels, samples }) =>
      field(
        1,
        Buffer.concat([
          ...Object.entries(labels).map(([name, value]) =>
            field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
          ),
          ...samples.map(([timestampMs, value]) => {
            const double = Buffer.alloc(9)
            double[0] = (1 << 3) | 1
            double.writeDoubleLE(value, 1)
            return field(2, Buffer.concat([double, Buffer.from([2 << 3]), varint(timestampMs)]))
          }),
        ]),
      ),
    ),
  )
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** Snappy's block format with everything as literals, which every decompressor reads. */
export function snappyLiteral(content: Buffer): Buffer {
  const parts = [varint(content.length)]
  for (let at = 0; at < content.length; at += 60) {
    const literal = content.subarray(at, at + 60)
    parts.push(Buffer.from([(literal.length - 1) << 2]), literal)
  }
  return Buffer.concat(parts)
}
