/**
 * Late points on the whole stack. Late points amend their window and the VM's later windows; points that complete a window
 * make it complete; duplicates change nothing; points that are too late become dead letters. A processor crashes in between.
 * Afterwards `windrow verify` finds no difference, and it reports everything that is changed in a copy of the results.
 */
import { beforeAll, expect, it } from 'vitest'
import { createCertificateDecoder, createCertificateEncoder } from '../../src/adapters/avro/encode-certificate.ts'
import { createResultDecoder, createResultEncoder } from '../../src/adapters/avro/encode-result.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import { isIntact } from '../../src/ledger/seal-certificate.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import {
  committedValues,
  createTopic,
  deadLettersOf,
  endedWell,
  exactOf,
  fresh,
  isCommitted,
  produce,
  resultsOf,
  stackForTests,
  startRun,
  type Result,
} from './run-support.ts'
import { copyOf, replaced, verify } from './verify-support.ts'

const MINUTE = 60_000
const PARTITIONS = 2
const VMS = 24
const WINDOWS = 8
const POINTS = 10
/** What `reach` of the fleet leaves open, a point every six seconds, is over within the grace. */
const GRACE = '15s'

const pointOf = (vm: number, seq: number): string => `{"vmId":"vm-${vm}","metric":"cpu","timestamp":${seq * 6000},`
const manifestOf = (vm: number, window: number): string =>
  `{"manifest":{"vmId":"vm-${vm}","windowStart":${window * MINUTE},`

/** Which lines come so many windows late, by how they begin: in the middle of the window, when those before it are closed. */
const LATE: readonly (readonly [start: string, windowsLate: number])[] = [
  // Completes its window, and changes what the VM carries into the one after it.
  [pointOf(1, 13), 2],
  // Too late.
  [pointOf(3, 5), 5],
  [manifestOf(4, 2), 1],
  // All that the VM sends in window 3.
  ...Array.from({ length: POINTS }, (_, i): [string, number] => [pointOf(5, 30 + i), 1]),
  [manifestOf(5, 3), 1],
  // The second one amends the oldest window that is remembered, after the one before it was amended and forgotten.
  [pointOf(6, 7), 3],
  [pointOf(6, 17), 3],
  // At the end, with the last close.
  [pointOf(7, 65), 1],
]
/** Copies: of a point that is there, of one that came late, and of one that is not remembered any more. */
const COPIES: readonly (readonly [start: string, windowsLate: number])[] = [
  [pointOf(2, 12), 2],
  [pointOf(1, 13), 3],
  [pointOf(8, 4), 6],
]

const inTime = fleetLines({ vms: VMS, windows: WINDOWS, windowMs: MINUTE, pointsPerWindow: POINTS, seed: 5, reach: 9 })
  // Whole numbers have sums that are exact in any order.
  .map((line) => line.replace(/"value":([\d.]+)/, (_, value: string) => `"value":${Math.round(Number(value) * 100)}`))

function withLate(lines: readonly string[]): string[] {
  const find = (start: string): string => {
    const found = lines.find((line) => line.startsWith(start))
    if (found === undefined) throw new Error(`nothing begins with ${start}`)
    return found
  }
  const windowOf = (line: string): number =>
    Math.floor(Number(/(?:timestamp|windowStart)":(\d+)/.exec(line)?.[1]) / MINUTE)
  const moved = [...LATE, ...COPIES].map(([start, windowsLate]) => {
    const line = find(start)
    return { line, atMs: (windowOf(line) + windowsLate) * MINUTE + MINUTE / 2 }
  })
  const late = new Set(LATE.map(([start]) => find(start)))
  const kept = lines.filter((line) => !late.has(line))
  const out: string[] = []
  for (const line of kept) {
    const atMs = Number(/"timestamp":(\d+)/.exec(line)?.[1] ?? -1)
    while (moved.length > 0) {
      const next = moved.reduce((a, b) => (b.atMs < a.atMs ? b : a))
      if (next.atMs > atMs) break
      out.push(next.line)
      moved.splice(moved.indexOf(next), 1)
    }
    out.push(line)
  }
  return [...out, ...moved.map(({ line }) => line)]
}

const LINES = withLate(inTime)
const stack = stackForTests()
const topic = fresh('late')
const job = fresh('a')
let results: readonly Result[]

beforeAll(async () => {
  await createTopic(stack(), topic, PARTITIONS)
  await produce(stack(), topic, LINES)
  // Points of 1970: a deadline by the clock would close every window as soon as the log is read.
  const args = ['--grace', GRACE, '--deadline', '36500d', '--checkpoint-every', '100']
  const options = { job, topic, window: '1m', args }
  const killed = startRun(stack(), { ...options, once: false })
  await killed.logged((line) => isCommitted(line) && killed.lines.filter(isCommitted).length >= 12)
  killed.child.kill('SIGKILL')
  await killed.ended
  await endedWell(startRun(stack(), options))
  results = await resultsOf(stack(), job)
})

/** `1 r1 grace/9`: window, revision, reason and points of each result of a VM, by window. */
function revisionsOf(vm: number): string[] {
  return results
    .filter(({ vmId }) => vmId === `vm-${vm}`)
    .map((one) => `${one.windowStart / MINUTE} r${one.revision} ${one.reason}/${one.received}`)
    .sort()
}

/** The same of a VM of which nothing came late, but for some windows. */
function plainBut(other: readonly string[]): string[] {
  const windows = new Set(other.map((one) => one.split(' ')[0]))
  const plain = Array.from({ length: WINDOWS }, (_, window) => `${window} r1 complete/${POINTS}`)
  return [...plain.filter((one) => !windows.has(one.split(' ')[0])), ...other].sort()
}

it.each<[what: string, vm: number, other: string[]]>([
  ['a late point completes its window and changes those after it', 1, ['1 r1 grace/9', '1 r2 complete/10', '2 r1 complete/10', '2 r2 complete/10']], // prettier-ignore
  ['a late duplicate makes no revision', 2, []],
  ['a point that is too late is missing', 3, ['0 r1 grace/9']],
  ['a late manifest completes its window', 4, ['2 r1 grace/10', '2 r2 complete/10']],
  ['all of a window may come late', 5, ['3 r1 grace/0', '3 r2 complete/10']],
  ['amended windows are amended again', 6, ['0 r1 grace/9', '0 r2 complete/10', '1 r1 grace/9', '1 r2 grace/9', '1 r3 complete/10', '2 r1 complete/10', '2 r2 complete/10', '2 r3 complete/10', '3 r1 complete/10', '3 r2 complete/10']], // prettier-ignore
  ['the last close amends too', 7, ['6 r1 grace/9', '6 r2 complete/10']],
  ['where nothing is late, nothing is revised', 9, []],
])('%s', (_, vm, other) => {
  expect(revisionsOf(vm)).toEqual(plainBut(other))
})

it('the last revisions are exact, and so is what VMs carry on', () => {
  const latest = new Map(results.toSorted((a, b) => a.revision - b.revision).map((one) => [`${one.vmId}@${one.windowStart}`, one])) // prettier-ignore
  const exact = exactOf(
    LINES.filter((line) => !line.startsWith(pointOf(3, 5))),
    MINUTE,
  )
  expect([...latest.keys()].sort()).toEqual([...exact.keys()].sort())
  const lifetimes = new Map<string, number>()
  for (const [key, result] of [...latest].sort(([, a], [, b]) => a.windowStart - b.windowStart)) {
    expect(result.metrics['cpu'], key).toMatchObject(exact.get(key) as object)
    const sum = (lifetimes.get(result.vmId) ?? 0) + (exact.get(key)?.sum ?? 0)
    lifetimes.set(result.vmId, sum)
    expect(JSON.parse(result.state ?? 'null'), key).toMatchObject({ cpu: { lifetimeSum: sum } })
  }
})

it('what is too late is a dead letter, once: the point, and the copy that nothing remembers', async () => {
  const letters = await deadLettersOf(stack(), job)
  expect(letters.map(({ reason, record }) => `${reason} ${record?.bytes.toString('utf8')}`).sort()).toEqual([
    expect.stringContaining(`too-late ${pointOf(3, 5)}`),
    expect.stringContaining(`too-late ${pointOf(8, 4)}`),
  ])
})

async function certificates(): Promise<Certificate[]> {
  const decode = createCertificateDecoder()
  return (await committedValues(stack(), `${job}-certificates`)).map((value) => {
    const decoded = decode(value)
    if (decoded.kind !== 'line') throw new Error('a certificate cannot be read')
    return JSON.parse(decoded.line) as Certificate
  })
}

it('certificates are chained, and name the windows that they amend', async () => {
  const all = await certificates()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const chain = all.filter((one) => one.partition === partition)
    expect(chain.map(({ sequence }) => sequence)).toEqual(chain.map((_, i) => i + 1))
    expect(chain.map(({ previous }) => previous)).toEqual(['', ...chain.slice(0, -1).map(({ digest }) => digest)])
    expect(chain.every(isIntact)).toBe(true)
  }
  const amended = all.flatMap((one) => one.amended)
  expect(amended.reduce((sum, one) => sum + one.vmWindows, 0)).toBe(
    results.filter(({ revision }) => revision > 1).length,
  )
  expect(all.at(-1)?.counts.consumed).toBeGreaterThan(0)
})

it('verify finds all of it equal', async () => {
  const report = await verify(stack(), { topic, job })
  expect(report.differences).toEqual([])
  expect(report).toMatchObject({ code: 0, differenceCount: 0, lost: [], records: LINES.length })
  expect(report.compared.vmWindows).toMatchObject({ equal: results.length, different: 0 })
})

it('an amended result that is another is named', async () => {
  const decode = createResultDecoder()
  const encode = createResultEncoder()
  const copy = await copyOf(stack(), `${job}-results`, (value) => {
    const decoded = decode(value)
    const line =
      decoded.kind === 'line' ? replaced(decoded.line, /(?<="vmId":"vm-6".*"revision":3.*"sum":)[\d.]+/, '1') : null
    return line === null ? null : encode(line)
  })
  const report = await verify(stack(), { topic, job }, '--results', `kafka:${copy}`)
  expect(report.code).toBe(1)
  expect(report.differences).toContainEqual(
    expect.objectContaining({ vmId: 'vm-6', window: MINUTE, revision: 3, field: 'metrics.cpu.sum', found: 1 }),
  )
  expect(report.compared.vmWindows.different).toBe(1)
})

it('a certificate with a changed amendment is reported', async () => {
  const decode = createCertificateDecoder()
  const encode = createCertificateEncoder()
  const copy = await copyOf(stack(), `${job}-certificates`, (value) => {
    const decoded = decode(value)
    const line = decoded.kind === 'line' ? replaced(decoded.line, /(?<="amended":\[\{.*?"vmWindows":)\d+/, '77') : null
    return line === null ? null : encode(line)
  })
  const report = await verify(stack(), { topic, job }, '--certificates', `kafka:${copy}`)
  expect(report.code).toBe(1)
  const fields = report.differences.map(({ field }) => field)
  expect(fields).toContain('digest')
  expect(fields.some((field) => field.startsWith('amended'))).toBe(true)
  expect(report.compared.certificates.different).toBe(1)
})

it('a late record that is another is named in every revision that it made', async () => {
  const copy = fresh('late')
  await createTopic(stack(), copy, PARTITIONS)
  const lines = LINES.map((line) => (line.startsWith(pointOf(6, 17)) ? line.replace(/"value":\d+/, '"value":1') : line))
  await produce(stack(), copy, lines)
  const report = await verify(stack(), { topic: copy, job })
  expect(report.code).toBe(1)
  const named = report.differences.filter(({ field }) => field === 'metrics.cpu.sum')
  expect(named).toEqual([expect.objectContaining({ vmId: 'vm-6', window: MINUTE, revision: 3 })])
})
