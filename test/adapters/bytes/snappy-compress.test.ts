/** Snappy compression: what is compressed is what the decompressor reads, and repeated bytes take little room. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { snappyCompressRaw } from '../../../src/adapters/bytes/snappy-compress.ts'
import { snappyDecompressRaw } from '../../../src/adapters/bytes/snappy.ts'

function expectRoundTrip(input: Buffer): void {
  expect(snappyDecompressRaw(snappyCompressRaw(input), input.length).equals(input)).toBe(true)
}

it('any bytes are read back', () => {
  const few = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 400 }).map((bytes) => Buffer.from(bytes))
  const any = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.array(fc.oneof(few, any), { maxLength: 5 }), (parts) => expectRoundTrip(Buffer.concat(parts))),
  )
})

it.each([0, 1, 3, 4, 59, 60, 61, 255, 256, 257, 65_535, 65_536, 65_537, 200_000])('%d different bytes', (length) => {
  let state = 1
  const noise = Buffer.alloc(length)
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    noise[at] = state >>> 24
  }
  expectRoundTrip(noise)
  // The second half is a copy from farther back than 64 KiB for the longer ones.
  expectRoundTrip(Buffer.concat([noise, noise]))
  expectRoundTrip(Buffer.alloc(length, 7))
})

it('repeated labels take a small part of their length', () => {
  const labels = Array.from({ length: 1000 }, (_, vm) => `windrow_mean job fleet metric cpu.user vm_id vm-${vm} `).join(
    '',
  )
  expect(snappyCompressRaw(Buffer.from(labels)).length).toBeLessThan(labels.length / 5)
})
