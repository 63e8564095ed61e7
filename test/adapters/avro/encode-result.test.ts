/** Results as Avro: no field of any aggregator is lost, and other Avro readers read the same values. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createResultDecoder, createResultEncoder } from '../../../src/adapters/avro/encode-result.ts'
import { formatFingerprint, schemaFingerprint } from '../../../src/adapters/avro/fingerprint.ts'
import { loadSchemas } from '../../../src/adapters/avro/schemas.ts'
import { closeVmWindow } from '../../../src/core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../../src/core/json.ts'
import { summary } from '../../../src/core/summary.ts'
import { VmWindow } from '../../../src/core/vm-window.ts'
import { resultLine } from '../../../src/ledger/result-line.ts'
import { addTo, promiseTo, RULES } from '../../support/records.ts'
import { resultLines } from './arbitrary-lines.ts'

const encode = createResultEncoder()
const decode = createResultDecoder()
const type = loadSchemas().find((schema) => schema.name === 'vm-window-result')?.type

/** The published result of a VM window with two metrics, a gap and a seq that no manifest announced. */
function publishedLine(): string {
  const vm = new VmWindow('vm-1', summary)
  const producer = vm.producer('', RULES)
  for (const [seq, metric, value] of [
    [0, 'cpu', 1.5],
    [1, 'mem', -3e9],
    [2, 'cpu', 0.1],
    [9, 'cpu', 7],
  ] as const) {
    addTo(producer, seq, { metric })
    vm.fold({ vmId: 'vm-1', producer: '', metric, timestamp: seq, seq, value }, summary)
  }
  promiseTo(producer, 0, 5)
  const window = vm.encode(summary)
  const task = {
    windowStart: 0,
    windowEnd: 100,
    revision: 1,
    reason: 'grace' as const,
    silent: [],
    window,
    prior: null,
  }
  const { result } = closeVmWindow(task, summary, RULES)
  return resultLine(JSON.parse(canonicalJson(result)) as object)
}

test('any published line is decoded byte for byte', () => {
  fc.assert(fc.property(resultLines(), (line) => void expect(decode(encode(line))).toEqual({ kind: 'line', line })))
})

test('results of the built-in aggregator are typed, and readable with any Avro library', () => {
  const line = publishedLine()
  const bytes = encode(line)
  expect(bytes.subarray(0, 2).toString('hex')).toBe('c301')
  expect(formatFingerprint(bytes.readBigUInt64LE(2))).toBe(formatFingerprint(schemaFingerprint(type!)))
  const { metrics, state, ...published } = JSON.parse(line) as { metrics: Json; state: Json }
  const seen = JSON.parse(JSON.stringify(type?.fromBuffer(bytes.subarray(10)))) as { state: string }
  expect(seen).toEqual({
    ...published,
    missing: [{ firstSeq: 3, lastSeq: 4 }],
    unexpected: [{ firstSeq: 9, lastSeq: 9 }],
    producers: null,
    error: null,
    promoted: null,
    metrics,
    custom: null,
    state: JSON.stringify(state),
  })
  expect(Object.keys(metrics as object)).toEqual(['cpu', 'mem'])
  expect(decode(bytes)).toEqual({ kind: 'line', line })
})

describe('metrics that are not a summary are JSON text', () => {
  const another: [string, Json][] = [
    ['a number', 3],
    ['null', null],
    ['a list', [1, 2]],
    ['nearly a summary', { cpu: { count: 1 } }],
    ['one metric that is a summary next to one that is not', { ...withMetrics(), x: 'y' }],
  ]
  const named = another.map(([title, metrics]) => [`${title} of another aggregator`, metrics, 'other@1'] as const)
  const unnamed = another.map(([title, metrics]) => [`${title} of an unnamed aggregator`, metrics, undefined] as const)
  test.each([...named, ...unnamed, ['a summary of another aggregator', withMetrics() as Json, 'other@1'] as const])(
    '%s',
    (_, metrics, aggregator) => {
      const result = { ...(JSON.parse(publishedLine()) as object), metrics, aggregator } as Json
      const line = resultLine(JSON.parse(canonicalJson(result)) as object)
      const bytes = encode(line)
      const seen = type?.fromBuffer(bytes.subarray(10)) as { metrics: object; custom: string }
      expect(Object.keys(seen.metrics)).toEqual([])
      expect(JSON.parse(seen.custom)).toEqual(metrics)
      expect(decode(bytes)).toEqual({ kind: 'line', line })
    },
  )
})

function withMetrics(): object {
  return (JSON.parse(publishedLine()) as { metrics: object }).metrics
}

test('a producer that was replaced is marked as such', () => {
  const one = { expected: 3, missing: [], producer: 'a', received: 3 }
  const producers = [
    { ...one, replaced: true },
    { ...one, producer: 'b' },
  ]
  const line = resultLine({ ...(JSON.parse(publishedLine()) as object), producers })
  expect(type?.fromBuffer(encode(line).subarray(10))).toMatchObject({
    producers: [{ replaced: true }, { replaced: null }],
  })
  expect(decode(encode(line))).toEqual({ kind: 'line', line })
})

test('a summary of an unnamed aggregator is typed: version 0.1.0 did not name it', () => {
  const { aggregator, ...result } = JSON.parse(publishedLine()) as { aggregator: string; metrics: object }
  expect(aggregator).toBe('summary@1')
  const line = resultLine(result)
  expect(type?.fromBuffer(encode(line).subarray(10))).toMatchObject({ metrics: result.metrics, custom: null })
  expect(decode(encode(line))).toEqual({ kind: 'line', line })
})

test('metrics of the built-in aggregator that do not fit its schema are an error, not dropped', () => {
  const result = JSON.parse(publishedLine()) as { metrics: { cpu: object } }
  const metrics = { cpu: { ...result.metrics.cpu, p10: 1 } }
  expect(() => encode(JSON.stringify({ ...result, metrics }))).toThrow('has no field for p10 in metrics.cpu')
})

test('a line of one megabyte is encoded and decoded', () => {
  const state = 'ä'.repeat(500_000)
  const line = resultLine({ ...(JSON.parse(publishedLine()) as object), state })
  expect(decode(encode(line))).toEqual({ kind: 'line', line })
})

test('a member that the schema does not have is an error, not dropped', () => {
  const line = JSON.stringify({ ...(JSON.parse(publishedLine()) as object), verdict: 'good' })
  expect(() => encode(line)).toThrow('vm-window-result.avsc has no field for verdict')
})

describe('bytes that are not a result are undecodable', () => {
  const bytes = encode(publishedLine())
  test('if they are cut off anywhere', () => {
    for (let end = 0; end < bytes.length; end++) expect(decode(bytes.subarray(0, end)).kind).toBe('undecodable')
  })
  test('if other bytes follow', () => {
    expect(decode(Buffer.concat([bytes, Buffer.from([0])]))).toEqual({
      kind: 'undecodable',
      detail: '1 bytes follow the record',
    })
  })
  test('if they have another schema or none', () => {
    const other = Buffer.from(bytes)
    other[5] = (other[5] as number) ^ 1
    expect(decode(other)).toMatchObject({ detail: 'not written with any version of vm-window-result.avsc' })
    expect(decode(Buffer.from('{"vmId":"vm-1"}'))).toMatchObject({ kind: 'undecodable' })
  })
  test('and never throw when damaged', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = byte
        expect(['line', 'undecodable']).toContain(decode(damaged).kind)
      }),
    )
  })
})
