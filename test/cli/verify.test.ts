/**
 * `windrow verify` on real runs on files: published results are found equal, and every later change of them or of the
 * records is found and named. test/stack/verify.test.ts does the same on Kafka.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runVerify } from '../../src/app/verify/verify.ts'
import { execute } from '../../src/cli/program.ts'
import { createVerifyCommand } from '../../src/cli/verify.ts'
import { defineAggregator, run } from '../../src/index.ts'
import type { Difference, VerifyReport } from '../../src/verify/report.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { linesIn } from '../support/windrow-process.ts'
import { fakeCli, only } from './cli-context.ts'

const MINUTE = 60_000
const PARTITIONS = 3
/**
 * Input of every kind: complete and incomplete windows, duplicates, disorder, several producers and metrics, VMs that
 * appear, leave and fall silent.
 */
const LINES = disturbed(
  fleetLines({ vms: 12, windows: 6, windowMs: MINUTE, pointsPerWindow: 6, seed: 5, duplicates: 0.1, reach: 5 }),
)

function disturbed(lines: readonly string[]): string[] {
  const isOf = (line: string, vm: number): boolean => line.includes(`"vm-${vm}"`)
  const windowOf = (line: string): number =>
    Math.floor(Number(/"(?:timestamp|windowStart)":(\d+)/.exec(line)?.[1]) / MINUTE)
  const kept = lines
    // vm-1 loses points, vm-2 falls silent after two windows, vm-3 leaves after three, vm-4 appears in the third.
    .filter((line, i) => !(isOf(line, 1) && !line.includes('manifest') && i % 4 === 0))
    .filter((line) => !(isOf(line, 2) && windowOf(line) > 1) && !(isOf(line, 3) && windowOf(line) > 2))
    .filter((line) => !(isOf(line, 4) && windowOf(line) < 2))
    .map((line) =>
      isOf(line, 3) && line.includes('manifest') && windowOf(line) === 2 ? line.replace('}}', ',"last":true}}') : line,
    )
    .map((line) => (isOf(line, 5) && line.includes('metric') ? line.replace('}', ',"producer":"b"}') : line))
    .map((line) => (isOf(line, 5) && line.includes('manifest') ? line.replace('}}', ',"producer":"b"}}') : line))
    .map((line, i) => (isOf(line, 6) && i % 2 === 0 ? line.replace('"cpu"', '"memory"') : line))
  const odd = [
    ...['no JSON', '{"vmId":"vm-0"}', '{"vmId":"vm-0","metric":"cpu","timestamp":70000,"seq":900,"value":1e200}'],
    ...['{"manifest":{"vmId":"vm-0","windowStart":1,"firstSeq":0,"count":1}}'],
    ...['{"vmId":"vm-0","metric":"cpu","timestamp":70000,"seq":9000000,"value":1}'],
    ...['{"vmId":"vm-7","metric":"cpu","timestamp":70000,"seq":77,"value":-0.1,"producer":"x"}'],
  ]
  kept.splice(kept.findIndex((line) => windowOf(line) === 1) + 20, 0, ...odd)
  return kept
}

const SETTINGS = { window: '1m', grace: '5s', partitions: PARTITIONS, amendWindows: 2, rosterWindows: 2 } as const
const FLAGS = [
  '--window',
  '1m',
  '--grace',
  '5s',
  '--partitions',
  String(PARTITIONS),
  '--amend-windows',
  '2',
  '--roster-windows',
  '2',
]

let folder: string
const at = (name: string): string => join(folder, name)
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-verify-'))
  writeFileSync(at('points.ndjson'), LINES.map((line) => `${line}\n`).join(''))
  await run({ settings: { ...SETTINGS, input: at('points.ndjson'), dataDir: at('.windrow') } })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const command = createVerifyCommand(async () => runVerify)

interface Files {
  readonly input?: string
  readonly results?: string
  readonly certificates?: string
}

async function verify(files: Files = {}, ...flags: readonly string[]) {
  const cli = fakeCli({ WINDROW_DATA_DIR: at('.windrow') })
  const { input = at('points.ndjson'), ...outputs } = files
  const args = Object.entries(outputs).flatMap(([name, path]) => [`--${name}`, path])
  const exitCode = await execute(only(command), ['verify', '--input', input, ...FLAGS, ...args, ...flags], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

async function reportOf(files: Files, ...flags: readonly string[]): Promise<VerifyReport & { exitCode: number }> {
  const { exitCode, stdout, stderr } = await verify(files, '--json', ...flags)
  if (stdout === '') throw new Error(stderr)
  return { exitCode, ...(JSON.parse(stdout) as VerifyReport) }
}

/** Changes the lines of a copy of a published file. */
function tampered(of: 'results' | 'certificates' | 'input', change: (lines: string[]) => string[]): Files {
  const from = {
    results: '.windrow/results.ndjson',
    certificates: '.windrow/results.certificates.ndjson',
    input: 'points.ndjson',
  }
  const copies = {
    results: at('copy.ndjson'),
    certificates: at('copy.certificates.ndjson'),
    input: at('copied-points.ndjson'),
  }
  copyFileSync(at(from.results), copies.results)
  copyFileSync(at(from.certificates), copies.certificates)
  writeFileSync(
    copies[of],
    change(linesIn(at(from[of])))
      .map((line) => `${line}\n`)
      .join(''),
  )
  return of === 'input' ? { input: copies.input } : { results: copies.results, certificates: copies.certificates }
}

test('the results of a run with every kind of record follow from the records', async () => {
  const report = await reportOf({})
  const reasons = new Set(
    linesIn(at('.windrow/results.ndjson')).map((line) => (JSON.parse(line) as { reason: string }).reason),
  )
  expect([...reasons].sort()).toEqual(['complete', 'grace'])
  expect(report.differences).toEqual([])
  expect(report).toMatchObject({ exitCode: 0, differenceCount: 0, lost: [], notes: [], partitions: PARTITIONS })
  const { certificates, windows, vmWindows, points } = report.compared
  expect(certificates.compared).toBe(linesIn(at('.windrow/results.certificates.ndjson')).length)
  expect(vmWindows.compared).toBe(linesIn(at('.windrow/results.ndjson')).length)
  expect(windows.compared).toBeGreaterThanOrEqual(6 * PARTITIONS)
  expect(points.compared).toBeGreaterThan(350)
})

test('without --json the report is a table', async () => {
  const { stdout } = await verify()
  expect(stdout).toMatch(/^ +compared +equal +different$/m)
  expect(stdout).toMatch(/^VM windows +\d+ +\d+ +0$/m)
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('Everything compared is equal.')
})

/** Changes the n-th matching line. */
function changed(
  fits: RegExp,
  from: RegExp,
  to: (...matched: string[]) => string,
  n = 3,
): (lines: string[]) => string[] {
  return (lines) => {
    const index = lines.map((line, i) => (fits.test(line) ? i : -1)).filter((i) => i >= 0)[n] as number
    return lines.map((line, i) => (i === index ? line.replace(from, to) : line))
  }
}

test('a file that was extended after publishing is reported as unreadable, not as a difference', async () => {
  const path = at('.windrow/results.ndjson')
  const before = readFileSync(path, 'utf8')
  try {
    writeFileSync(path, before.replace('"revision":1', '"revision":   1'))
    const { exitCode, stderr } = await verify()
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/PUBLISHED_UNREADABLE: a published result cannot be read/)
  } finally {
    writeFileSync(path, before)
  }
})

describe('one result', () => {
  test.each([
    ['its sum', 'metrics.cpu.sum', changed(/"vm-0"/, /"sum":([\d.]+)/, (_, sum) => `"sum":${Number(sum) + 0.01}`)],
    [
      'its count',
      'metrics.cpu.count',
      changed(/"vm-0"/, /"count":(\d+)/, (_, count) => `"count":${Number(count) + 1}`),
    ],
    ['its maximum', 'metrics.cpu.max', changed(/"vm-0"/, /"max":([\d.]+)/, () => '"max":1000')],
    ['its minimum', 'metrics.cpu.min', changed(/"vm-0"/, /"min":([\d.]+)/, () => '"min":-1')],
    ['its reason', 'reason', changed(/"vm-0"/, /"reason":"complete"/, () => '"reason":"grace"')],
    ['its expected count', 'expected', changed(/"vm-0"/, /"expected":6/, () => '"expected":7')],
    ['its copies', 'duplicates', changed(/"vm-0"/, /"duplicates":(\d+)/, (_, n) => `"duplicates":${Number(n) + 1}`)],
    [
      'its mean',
      'metrics.cpu.mean',
      changed(/"vm-0"/, /"mean":([\d.]+)/, (_, mean) => `"mean":${Number(mean) + 1e-9}`),
    ],
    [
      'its deviation',
      'metrics.cpu.stddev',
      changed(/"vm-0"/, /"stddev":([\d.]+)/, (_, s) => `"stddev":${Number(s) / 2}`),
    ],
    ['its first', 'metrics.cpu.first', changed(/"vm-0"/, /"first":([\d.]+)/, () => '"first":-1')],
    ['its last', 'metrics.cpu.last', changed(/"vm-0"/, /"last":([\d.]+)/, () => '"last":-1')],
    ['its median', 'metrics.cpu.p50', changed(/"vm-0"/, /"p50":([\d.]+)/, (_, p50) => `"p50":${Number(p50) * 1.03}`)],
    ['its figures', 'metrics.cpu', changed(/"vm-0"/, /"cpu":/, () => '"gpu":')],
  ])('with a change of %s is reported with VM, window and field', async (_, field, change) => {
    const report = await reportOf(tampered('results', change))
    expect(report.exitCode).toBe(1)
    expect(report.differences[0]).toMatchObject({ vmId: 'vm-0', revision: 1, field })
    expect(report.differences.map((one) => one.field)).toContain('results.digest')
    expect(report.compared.vmWindows.different).toBe(1)
  })

  test.each([
    ['lifetimeCount', /"lifetimeCount":(\d+)/, (_: string, count: string) => `"lifetimeCount":${Number(count) + 1}`],
    ['lifetimeSum', /"lifetimeSum":([\d.]+)/, (_: string, sum: string) => `"lifetimeSum":${Number(sum) + 1}`],
    ['previousMean', /"previousMean":([\d.]+)/, () => '"previousMean":1'],
    ['ewma', /"ewma":([\d.]+)/, () => '"ewma":1e9'],
  ] as const)(
    'with a change of the carried-over %s is reported, together with later windows',
    async (member, from, to) => {
      const report = await reportOf(tampered('results', changed(/"vm-0"/, from, to)))
      const { differences } = report
      expect(report.exitCode).toBe(1)
      expect(differences[0]).toMatchObject({ vmId: 'vm-0', revision: 1, field: `state.cpu.${member}` })
      expect(new Set(differences.filter(({ vmId }) => vmId !== null).map(({ vmId }) => vmId))).toEqual(
        new Set(['vm-0']),
      )
      expect(report.compared.vmWindows.different).toBeLessThanOrEqual(2)
    },
  )

  test('of a silent VM with changed carried-over state is reported', async () => {
    const change = changed(
      /"vm-2".*"received":0,/,
      /"lifetimeCount":(\d+)/,
      (_, count) => `"lifetimeCount":${Number(count) + 1}`,
      0,
    )
    const report = await reportOf(tampered('results', change))
    expect(report.differences[0]).toMatchObject({ vmId: 'vm-2', field: 'state' })
  })

  test('with a change that only the digest detects is reported by its certificate', async () => {
    const report = await reportOf(
      tampered(
        'results',
        changed(/"vm-0"/, /"p50":([\d.]+)/, (_, p50) => `"p50":${Number(p50) * 1.000001}`),
      ),
    )
    expect(fieldsOf(report)).toEqual(['results.digest'])
    expect(report.differences[0]).toMatchObject({ vmId: null, certificate: expect.any(Number) as number })
  })

  test('that is removed, duplicated, renumbered or invented is reported', async () => {
    const gone = await reportOf(tampered('results', (lines) => lines.slice(1)))
    expect(gone.differences[0]).toMatchObject({ revision: 1, field: 'result', expected: 'there', found: null })
    const twice = await reportOf(tampered('results', (lines) => [...lines, lines[0] as string]))
    expect(twice.differences).toEqual([expect.objectContaining({ revision: 1, field: 'result', expected: 'once' })])
    const next = changed(/"vm-0"/, /"revision":1/, () => '"revision":2')
    expect(fieldsOf(await reportOf(tampered('results', next)))).toContain('result')
    const madeUp = await reportOf(
      tampered('results', (lines) => [...lines, (lines[0] as string).replace(/"vm-\d+"/, '"vm-x"')]),
    )
    expect(madeUp.differences).toEqual([expect.objectContaining({ vmId: 'vm-x', field: 'result', expected: null })])
  })
})

const fieldsOf = ({ differences }: VerifyReport): string[] => differences.map(({ field }) => field)

describe('one record', () => {
  test('with another value is reported in the metrics of its VM window and in the digest of points', async () => {
    const change = changed(/"vm-0","metric"/, /"value":([\d.]+)/, (_, value) => `"value":${Number(value) + 0.01}`, 8)
    const report = await reportOf(tampered('input', change))
    expect(report.exitCode).toBe(1)
    expect(report.differences[0]).toMatchObject({
      vmId: 'vm-0',
      window: MINUTE,
      field: 'metrics.cpu.sum',
    } satisfies Partial<Difference>)
    expect(fieldsOf(report)).toContain('points.digest')
    expect(report.compared.vmWindows.different).toBe(1)
  })

  test('with another seq, or that duplicates its neighbour, is reported in the counts', async () => {
    const seq = changed(/"vm-0","metric"/, /"seq":(\d+)/, () => '"seq":4711', 8)
    expect(fieldsOf(await reportOf(tampered('input', seq)))).toEqual(
      expect.arrayContaining(['missingCount', 'points.digest']),
    )
    const copy = (lines: string[]): string[] => {
      const points = lines.filter((line) => /"vm-0","metric".*"seq":\d\d?,/.test(line))
      // Not a duplicated point: its duplicate would still be in the file.
      const [one, other] = points.filter((line) => points.indexOf(line) === points.lastIndexOf(line)).slice(8)
      return lines.map((line) => (line === one ? (other as string) : line))
    }
    expect(fieldsOf(await reportOf(tampered('input', copy)))).toEqual(
      expect.arrayContaining(['received', 'points.count']),
    )
  })

  test('that is removed shifts all later records', async () => {
    expect((await reportOf(tampered('input', (lines) => lines.slice(1)))).exitCode).toBe(1)
  })
})

describe('one certificate', () => {
  test.each([
    ['counts', 'counts.accepted', /"accepted":(\d+)/, (_: string, n: string) => `"accepted":${Number(n) + 1}`],
    [
      'missing seqs',
      'missingCount',
      /"missingCount":(\d+)/,
      (_: string, n: string) => `"missingCount":${Number(n) + 1}`,
    ],
    ['points', 'points.digest', /"digest":"[0-9a-f]{32}"/, () => `"digest":"${'0'.repeat(32)}"`],
    ['watermark', 'watermark', /"watermark":(\d+)/, (_: string, n: string) => `"watermark":${Number(n) - 1}`],
    ['reasons', 'vmWindowsByReason', /"vmWindowsByReason":\{[^}]*\}/, () => '"vmWindowsByReason":{"complete":1}'],
    ['link', 'previous', /"previous":"[^"]+"/, () => '"previous":"x"'],
  ])('with a change of its %s is reported, together with its digest', async (_, field, from, to) => {
    const report = await reportOf(tampered('certificates', changed(/"sequence":3,/, from, to, 1)))
    expect(report.exitCode).toBe(1)
    expect(fieldsOf(report)).toEqual(expect.arrayContaining([field, 'digest']))
    expect(new Set(report.differences.map((one) => one.certificate))).toEqual(new Set([3]))
    expect(report.compared.certificates.different).toBe(1)
  })

  test('with a recomputed digest after a change breaks the chain at the next certificate', async () => {
    const { digestOf } = await import('../../src/verify/chain.ts')
    const change = (lines: string[]): string[] => {
      const index = lines.findIndex((line) => line.includes('"sequence":3,'))
      const forged = { ...(JSON.parse(lines[index] as string) as Parameters<typeof digestOf>[0]), unexpectedCount: 7 }
      return lines.map((line, i) => (i === index ? JSON.stringify({ ...forged, digest: digestOf(forged) }) : line))
    }
    const report = await reportOf(tampered('certificates', change))
    expect(report.differences.map(({ certificate, field }) => [certificate, field])).toEqual([
      [3, 'unexpectedCount'],
      [4, 'previous'],
    ])
  })

  test('that is removed or duplicated is reported', async () => {
    const gone = await reportOf(
      tampered('certificates', (lines) => lines.filter((line) => !line.includes('"sequence":3,'))),
    )
    expect(gone.differences).toContainEqual(
      expect.objectContaining({ certificate: 4, field: 'sequence', expected: 3, found: 4 }),
    )
    const first = await reportOf(
      tampered('certificates', (lines) => lines.filter((line) => !line.includes('"sequence":1,'))),
    )
    expect(first.differences).toContainEqual(
      expect.objectContaining({ certificate: 2, field: 'sequence', expected: 1 }),
    )
    const twice = await reportOf(tampered('certificates', (lines) => [...lines, lines[0] as string]))
    expect(twice.differences).toEqual([
      expect.objectContaining({ certificate: 1, field: 'certificate', found: 'twice' }),
    ])
  })
})

describe('a range', () => {
  test('of windows or offsets is checked alone, starting in the middle of the records', async () => {
    const whole = await reportOf({})
    const late = await reportOf({}, '--from', '1970-01-01T00:05:00Z')
    expect(late).toMatchObject({ exitCode: 0, differenceCount: 0 })
    expect(late.compared.windows.compared).toBe(PARTITIONS)
    const some = await reportOf({}, '--from', '150', '--to', '400')
    expect(some).toMatchObject({ exitCode: 0, differenceCount: 0 })
    expect(some.compared.windows.compared).toBeGreaterThan(0)
    expect(some.compared.windows.compared).toBeLessThan(whole.compared.windows.compared)
    expect((await reportOf({}, '--from', 'beginning')).compared).toEqual(whole.compared)
  })

  test('reports only the changes in the range', async () => {
    const files = tampered(
      'results',
      changed(/"vm-0"/, /"sum":([\d.]+)/, () => '"sum":1'),
    )
    expect((await reportOf(files, '--to', '1970-01-01T00:03:00Z')).differenceCount).toBe(0)
    expect((await reportOf(files, '--from', '1970-01-01T00:03:00Z')).differences[0]).toMatchObject({
      field: 'metrics.cpu.sum',
    })
  })

  test('without certificates is an error', async () => {
    expect(await verify({}, '--from', '9999999')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('NOTHING_TO_VERIFY') as string,
    })
  })
})

describe('late records', () => {
  /** Some records of each VM arrive 1.5 windows late: new points, duplicates, points of VMs unknown in the window, manifests. */
  const late = [...LINES]
  for (let at = 60; at + 140 < late.length; at += 23) late.splice(at + 140, 0, ...late.splice(at, 1))
  for (let at = 60; at + 110 < late.length; at += 37) late.splice(at + 110, 0, late[at] as string)
  const files = (name: string): Files => ({ input: at('late.ndjson'), results: at(`${name}/results.ndjson`) })

  beforeAll(async () => {
    writeFileSync(at('late.ndjson'), late.map((line) => `${line}\n`).join(''))
    await run({ settings: { ...SETTINGS, order: 'time', input: at('late.ndjson'), dataDir: at('late') } })
  })

  test('amend windows and, by cascade, later ones: every revision follows from the records', async () => {
    const report = await reportOf(files('late'), '--order', 'time')
    expect(report.differences).toEqual([])
    const revisions = linesIn(at('late/results.ndjson')).map(
      (line) => (JSON.parse(line) as { revision: number }).revision,
    )
    expect(Math.max(...revisions)).toBeGreaterThan(1)
    expect(report).toMatchObject({ exitCode: 0, differenceCount: 0 })
    expect(report.compared.vmWindows.compared).toBe(revisions.length)
    const amended = linesIn(at('late/results.certificates.ndjson')).filter((line) => !line.includes('"amended":[]'))
    expect(amended.length).toBeGreaterThan(3)
  })

  test('are checked in a range of windows alone', async () => {
    for (const minute of [2, 4, 5]) {
      const report = await reportOf(files('late'), '--order', 'time', '--from', new Date(minute * MINUTE).toISOString())
      expect(report.differences).toEqual([])
      expect(report.compared.windows.compared).toBeGreaterThan(0)
    }
  })

  test('a removed or changed revision is reported', async () => {
    const lines = linesIn(at('late/results.ndjson'))
    const index = lines.findIndex((line) => line.includes('"revision":2'))
    const { vmId, windowStart } = JSON.parse(lines[index] as string) as { vmId: string; windowStart: number }
    copyFileSync(at('late/results.certificates.ndjson'), at('copy.certificates.ndjson'))
    const certificates = at('copy.certificates.ndjson')
    writeFileSync(
      at('copy.ndjson'),
      lines
        .filter((_, i) => i !== index)
        .map((line) => `${line}\n`)
        .join(''),
    )
    const gone = await reportOf(
      { input: at('late.ndjson'), results: at('copy.ndjson'), certificates },
      '--order',
      'time',
    )
    const place = { vmId, window: windowStart, revision: 2 }
    expect(gone.differences).toContainEqual(expect.objectContaining({ ...place, field: 'result', found: null }))
    const other = lines.map((line, i) => (i === index ? line.replace(/"received":\d+/, '"received":1') : line))
    writeFileSync(at('copy.ndjson'), other.map((line) => `${line}\n`).join(''))
    const changedResult = await reportOf(
      { input: at('late.ndjson'), results: at('copy.ndjson'), certificates },
      '--order',
      'time',
    )
    expect(changedResult.differences).toContainEqual(expect.objectContaining({ ...place, field: 'received', found: 1 }))
  })
})

test('without the user’s aggregator all fields but metrics are compared, and the report says so', async () => {
  const last = defineAggregator({
    name: 'last',
    create: () => ({ value: 0 }),
    add: (_, point) => ({ value: point.value }),
    merge: (_, b) => b,
    result: (acc) => acc.value,
    advance: () => null,
  })
  await run({ settings: { ...SETTINGS, input: at('points.ndjson'), dataDir: at('own') }, aggregator: last })
  const own = { results: at('own/results.ndjson') }
  const report = await reportOf(own)
  expect(report).toMatchObject({
    exitCode: 0,
    differenceCount: 0,
    notes: [expect.stringContaining('the aggregator last@1')],
  })
  writeFileSync(at('own.ndjson'), readFileSync(own.results, 'utf8').replace(/"metrics":[\d.]+/, '"metrics":1234'))
  const changedResult = await reportOf({
    results: at('own.ndjson'),
    certificates: at('own/results.certificates.ndjson'),
  })
  expect(fieldsOf(changedResult)).toEqual(['results.digest'])
})

test('the example of --help works as printed', async () => {
  const cwd = process.cwd()
  const place = mkdtempSync(join(tmpdir(), 'windrow-example-'))
  copyFileSync(at('points.ndjson'), join(place, 'points.ndjson'))
  process.chdir(place)
  try {
    await run({ settings: { input: 'points.ndjson', window: '5m' } })
    const cli = fakeCli()
    expect(await execute(only(command), command.example.line.split(' ').slice(1), cli.context)).toBe(0)
    expect(cli.stdout()).toContain('Everything compared is equal.')
  } finally {
    process.chdir(cwd)
    rmSync(place, { recursive: true, force: true })
  }
})

test.each([
  [['--from', 'noon'], '--from: "noon" is not a position in a log to begin at'],
  [['--to', 'beginning'], '--to: "beginning" is not a position in a log to end at'],
  [['--window', '1x'], '--window: "1x" is not a duration'],
])('%j is refused', async (flags, problem) => {
  expect(await verify({}, ...flags)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(problem) as string })
})

test('settings of another run are an error, not a difference', async () => {
  expect((await verify({}, '--window', '2m')).stderr).toContain('OTHER_SETTINGS')
  expect((await verify({}, '--job', 'other')).stderr).toContain('ANOTHER_JOB')
  expect((await verify({ results: at('none.ndjson') })).stderr).toContain('NOTHING_TO_VERIFY')
})
