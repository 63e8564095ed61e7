/**
 * `windrow verify` on what a job has published on the whole stack: equal to the records; and a record, a result or a
 * certificate that is another one, in a copy of its topic, is found and named. Records that retention took are no difference.
 */
import { beforeAll, expect, it } from 'vitest'
import { createCertificateDecoder, createCertificateEncoder } from '../../src/adapters/avro/encode-certificate.ts'
import { createResultDecoder, createResultEncoder } from '../../src/adapters/avro/encode-result.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { createTopic, fresh, produce, run, stackForTests, withAdmin } from './run-support.ts'
import { copyOf, replaced, verify as verifyJob, type Verified } from './verify-support.ts'

const MINUTE = 60_000
const PARTITIONS = 4
/** Enough for the last one to be checked without the first: what it depends on reaches seven windows back. */
const WINDOWS = 10
const VMS = 40
const LINES = fleetLines({
  vms: VMS,
  windows: WINDOWS,
  windowMs: MINUTE,
  pointsPerWindow: 10,
  seed: 3,
  duplicates: 0.05,
  reach: 9,
})

const stack = stackForTests()
const topic = fresh('fleet')
const job = fresh('v')

beforeAll(async () => {
  await createTopic(stack(), topic, PARTITIONS)
  await produce(stack(), topic, LINES)
  // The first window closes by its grace; a long one would put the first certificates' cuts far behind their windows.
  await run(stack(), { job, topic, window: '1m', args: ['--grace', '5s'] })
})

const verify = (...args: readonly string[]): Promise<Verified> => verifyJob(stack(), { topic, job }, ...args)

it('all is equal to what the records say', async () => {
  const report = await verify()
  expect(report.differences).toEqual([])
  expect(report).toMatchObject({ code: 0, differenceCount: 0, lost: [], partitions: PARTITIONS, records: LINES.length })
  const { certificates, windows, vmWindows, points } = report.compared
  expect(vmWindows.equal).toBe(VMS * WINDOWS)
  expect(points.equal).toBe(VMS * WINDOWS * 10)
  expect([certificates.equal, windows.equal]).toEqual([PARTITIONS * WINDOWS, PARTITIONS * WINDOWS])
})

it('one result that is another is named with its VM, window and member', async () => {
  const decode = createResultDecoder()
  const encode = createResultEncoder()
  const results = await copyOf(stack(), `${job}-results`, (value) => {
    const decoded = decode(value)
    const line = decoded.kind === 'line' ? replaced(decoded.line, /(?<="vmId":"vm-7".*"sum":)[\d.]+/, '1') : null
    return line === null ? null : encode(line)
  })
  const report = await verify('--results', `kafka:${results}`)
  expect(report.code).toBe(1)
  expect(report.differences[0]).toMatchObject({ vmId: 'vm-7', window: 0, field: 'metrics.cpu.sum', found: 1 })
  expect(report.differences[1]).toMatchObject({ vmId: null, window: 0, field: 'results.digest' })
  expect(report.compared.vmWindows.different).toBe(1)
})

it('one certificate that is another is named with its member', async () => {
  const decode = createCertificateDecoder()
  const encode = createCertificateEncoder()
  const certificates = await copyOf(stack(), `${job}-certificates`, (value) => {
    const decoded = decode(value)
    const line = decoded.kind === 'line' ? replaced(decoded.line, /"missingCount":0/, '"missingCount":3') : null
    return line === null ? null : encode(line)
  })
  const report = await verify('--certificates', `kafka:${certificates}`)
  expect(report.code).toBe(1)
  expect(report.differences.map(({ field }) => field).sort()).toEqual(['digest', 'missingCount'])
  expect(report.compared.certificates.different).toBe(1)
})

it('one record that is another is named with its VM and window, and by the digest of points', async () => {
  const copy = fresh('fleet')
  await createTopic(stack(), copy, PARTITIONS)
  const index = LINES.findIndex((line) => line.includes('"vm-7"'))
  const lines = LINES.map((line, i) => (i === index ? line.replace(/"value":[\d.]+/, '"value":-1') : line))
  await produce(stack(), copy, lines)
  const report = await verify('--topic', copy)
  expect(report.code).toBe(1)
  expect(report.differences[0]).toMatchObject({ partition: partitionOf('vm-7', PARTITIONS), vmId: 'vm-7', window: 0 })
  const fields = report.differences.map(({ field }) => field)
  expect(fields).toEqual(expect.arrayContaining(['metrics.cpu.sum', 'metrics.cpu.min', 'points.digest']))
  expect(report.compared.vmWindows.different).toBe(1)
})

it('records deleted by retention are reported as a loss and are no difference; a later range has no difference', async () => {
  const { records } = await verify()
  await withAdmin(stack(), async (admin) => {
    // kafkajs deletes only from topics whose offsets it has asked for.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '60' }] })
  })
  const report = await verify()
  expect(report).toMatchObject({ code: 1, differenceCount: 0 })
  expect(report.lost).toEqual([expect.objectContaining({ partition: 0, logStart: 60, neededFrom: 0 })])
  expect(report.stderr).toMatch(/^windrow: DATA_LOSS: /m)
  const later = await verify('--from', new Date((WINDOWS - 1) * MINUTE).toISOString())
  expect(later).toMatchObject({ code: 0, differenceCount: 0, lost: [] })
  expect(later.records).toBeLessThan(records)
})
