/**
 * Pins that batches compressed by Java clients can be read: codecs.fixture.json holds one text, compressed with the
 * libraries of Kafka 4.1 (snappy-java, lz4-java, zstd-jni). Also pins that damaged or huge batches are rejected instead of
 * read past their end.
 */
import { readFileSync } from 'node:fs'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { registerCodecs, zstdDecompress, zstdDecompressPlain } from '../../../src/adapters/kafka/codecs.ts'
import { lz4Decompress } from '../../../src/adapters/kafka/lz4.ts'
import { snappyDecompress } from '../../../src/adapters/bytes/snappy.ts'

const packed = JSON.parse(readFileSync(new URL('codecs.fixture.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>
const bytesOf = (name: string) => Buffer.from(packed[name] as string, 'base64')

/** Repeated phrases, a run of one letter, and noise: near and far matches, overlapping copies, long literals. */
function plainText(): string {
  let text = ''
  for (let i = 0; i < 40; i++) text += `vm-${i % 7} cpu ${(i * 37) % 100}; `
  text += 'x'.repeat(500)
  let state = 42n
  for (let i = 0; i < 300; i++) {
    state = (state * 1103515245n + 12345n) & 0x7fffffffn
    text += String.fromCharCode(33 + Number((state >> 16n) % 90n))
  }
  return text
}

const MIB = 1024 * 1024
const readers = [
  { name: 'snappy', read: snappyDecompress },
  { name: 'xerial', read: snappyDecompress },
  { name: 'lz4', read: lz4Decompress },
  { name: 'lz4checked', read: lz4Decompress },
  { name: 'zstd', read: zstdDecompress },
  { name: 'zstd', read: zstdDecompressPlain },
]

describe.each(readers)('$name', ({ name, read }) => {
  it('reads what a Java client compressed', () => {
    expect(read(bytesOf(name), MIB).toString()).toBe(plainText())
  })

  it('accepts an output of exactly the size limit', () => {
    const size = Buffer.byteLength(plainText())
    expect(read(bytesOf(name), size).length).toBe(size)
  })

  it('rejects an output above the size limit', () => {
    expect(() => read(bytesOf(name), 1_000)).toThrow(expect.objectContaining({ code: 'CORRUPT_BATCH' }))
  })

  it('rejects truncated bytes or reads the part before the cut, but never past the end', () => {
    const whole = bytesOf(name)
    const plain = plainText()
    for (let length = 1; length < whole.length; length++) {
      let text: string
      try {
        text = read(whole.subarray(0, length), MIB).toString()
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT_BATCH' })
        continue
      }
      expect(plain.startsWith(text)).toBe(true)
    }
  })
})

it('two consecutive lz4 frames decompress to one text', () => {
  const frame = bytesOf('lz4')
  expect(lz4Decompress(Buffer.concat([frame, frame]), MIB).toString()).toBe(plainText() + plainText())
})

it('an empty snappy block decompresses to nothing', () => {
  expect(snappyDecompress(Buffer.from([0]), MIB).length).toBe(0)
})

it('kafkajs reads all three codecs after registration, and cannot write them', async () => {
  registerCodecs()
  const { CompressionCodecs, CompressionTypes } = kafkajs
  for (const [type, name] of [
    [CompressionTypes.Snappy, 'xerial'],
    [CompressionTypes.LZ4, 'lz4'],
    [CompressionTypes.ZSTD, 'zstd'],
  ] as const) {
    const codec = (CompressionCodecs[type] as () => Codec)()
    expect((await codec.decompress(bytesOf(name))).toString()).toBe(plainText())
    await expect(codec.compress()).rejects.toMatchObject({ code: 'CODEC' })
  }
})

interface Codec {
  compress(): Promise<Buffer>
  decompress(input: Buffer): Promise<Buffer>
}
