/** Dead letters as Avro: both kinds are decoded to the same line, byte for byte, and bytes stay bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDeadLetterDecoder, createDeadLetterEncoder } from '../../../src/adapters/avro/encode-dead-letter.ts'
import { loadSchemas } from '../../../src/adapters/avro/schemas.ts'
import { canonicalJson } from '../../../src/core/json.ts'
import { deadLetterRow } from '../../../src/ledger/dead-letter.ts'
import { garbage, recordsOf } from '../../support/records.ts'
import { deadLetterLines } from './arbitrary-lines.ts'

const encode = createDeadLetterEncoder()
const decode = createDeadLetterDecoder()
const type = loadSchemas().find((schema) => schema.name === 'dead-letter')?.type

test('any published line is decoded byte for byte', () => {
  fc.assert(fc.property(deadLetterLines, (line) => void expect(decode(encode(line))).toEqual({ kind: 'line', line })))
})

test('a rejected record contains its own bytes, readable with any Avro library', () => {
  const [record] = recordsOf([garbage('not JSON: "x"')])
  const refusal = { reason: 'undecodable' as const, detail: 'not JSON: "x"' }
  const line = canonicalJson(deadLetterRow(3, record!, refusal))
  const bytes = encode(line)
  const seen = type?.fromBuffer(bytes.subarray(10)) as { record: { bytes: Buffer; size: number }; vmWindow: null }
  expect(seen.vmWindow).toBeNull()
  expect(seen.record.bytes.equals(Buffer.from(record!.raw().bytes))).toBe(true)
  expect(seen).toMatchObject({ ...refusal, record: { partition: 3, offset: 0 } })
  expect(decode(bytes)).toEqual({ kind: 'line', line })
})

test('a dead letter with unknown or missing members is rejected', () => {
  const window = { reason: 'quarantined', detail: 'add: no', vmId: 'vm-1', windowStart: 0, received: 2 }
  expect(() => encode(JSON.stringify({ ...window, more: 1 }))).toThrow(/has no field for more in vmWindow/)
  expect(() => encode(JSON.stringify({ ...window, received: undefined }))).toThrow(TypeError)
})
