/**
 * Files in any order: whatever the order of the records, the final result of each VM window is the one of the file in order
 * of time, nothing is late, and dead letters name the original lines. Also after kill -9 and with records on standard input.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, type JobSummary } from '../../src/index.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { Random } from '../support/random.ts'
import { linesIn, start, startPiped, summaryOf, windrow } from '../support/windrow-process.ts'

const MINUTE = 60_000
const SETTINGS = { window: '1m', grace: '5s', partitions: 2 } as const
const SEEDS = [1, 2]

/** What takes time is the number of VM windows. */
const FLEET = { vms: 9, windows: 7 }

let folder: string
const at = (name: string): string => join(folder, name)
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'windrow-any-order-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** In order of time, with duplicates, losses, a VM that comes later, and lines that are no record. */
function linesOf(seed: number): string[] {
  const lines = fleetLines({ ...FLEET, windowMs: MINUTE, pointsPerWindow: 6, seed, duplicates: 0.1 })
  const kept = lines.filter((line, i) => {
    const isNewcomer = line.includes('"vm-3"')
    const isEarly = Number(/"(?:timestamp|windowStart)":(\d+)/.exec(line)?.[1]) < 2 * MINUTE
    return !(isNewcomer && isEarly) && !(line.includes('"vm-1"') && line.includes('metric') && i % 5 === 0)
  })
  kept.splice(40, 0, 'no record', '{"vmId":"vm-0","metric":"cpu","timestamp":70000,"seq":900,"value":1e300}')
  return kept
}

const vmOf = (line: string): string => /"(vm-\d+)"/.exec(line)?.[1] ?? ''

const ORDERS: readonly [string, (lines: string[], random: Random) => string[]][] = [
  ['by host, then by time', (lines) => lines.toSorted((a, b) => (vmOf(a) < vmOf(b) ? -1 : vmOf(a) > vmOf(b) ? 1 : 0))],
  ['reversed', (lines) => lines.toReversed()],
  ['shuffled', (lines, random) => random.shuffle([...lines])],
  [
    'in shuffled blocks',
    (lines, random) => {
      const blocks = Array.from({ length: Math.ceil(lines.length / 30) }, (_, i) => lines.slice(i * 30, i * 30 + 30))
      return random.shuffle(blocks).flat()
    },
  ],
]

interface Row {
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
}

/** The latest revision of each VM window, without its number. */
function finalResultsIn(path: string): string[] {
  const latest = new Map<string, Row>()
  for (const line of linesIn(path)) {
    const row = JSON.parse(line) as Row
    const key = `${row.vmId} ${row.windowStart}`
    if (row.revision > (latest.get(key)?.revision ?? 0)) latest.set(key, row)
  }
  return [...latest.values()].map(({ revision: _, ...row }) => JSON.stringify(row)).sort()
}

interface Outcome {
  readonly summary: JobSummary
  readonly results: readonly string[]
  readonly deadLetters: readonly { reason: string; place: { file: string; line: number } }[]
}

async function outcomeOf(name: string, input: string | string[], more: object = {}): Promise<Outcome> {
  const summary = await run({ settings: { ...SETTINGS, input, dataDir: at(name), ...more } })
  expect(readdirSync(at(name)).filter((file) => file.includes('.sort'))).toEqual([])
  const letters = at(`${name}/dead-letters.ndjson`)
  return {
    summary: summary as unknown as JobSummary,
    results: finalResultsIn(at(`${name}/results.ndjson`)),
    deadLetters: (existsSync(letters) ? linesIn(letters) : []).map((line) => JSON.parse(line) as never),
  }
}

function write(name: string, lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('')
  writeFileSync(at(name), name.endsWith('.gz') ? gzipSync(text) : text)
  return at(name)
}

describe.each(SEEDS)('the records of seed %s', (seed) => {
  const lines = linesOf(seed)
  let inTime: Outcome
  beforeAll(async () => {
    inTime = await outcomeOf(`time-${seed}`, write(`time-${seed}.ndjson`, lines))
  })

  test.each(ORDERS)('%s give the results of the file in order of time, and nothing is late', async (order, permute) => {
    const permuted = permute(lines, new Random(seed))
    const input = write(`${seed}-${order}.ndjson.gz`, permuted)
    const found = await outcomeOf(`${seed}-${order}`, input)
    expect(found.results).toEqual(inTime.results)
    expect(found.summary.points).toEqual(inTime.summary.points)
    expect(found.summary.points.late).toBe(0)
    const broken = permuted.flatMap((line, i) => (line.includes('no record') || line.includes('1e300') ? [i + 1] : []))
    expect(found.deadLetters.map(({ place }) => place.line).sort((a, b) => a - b)).toEqual(broken)
    expect(new Set(found.deadLetters.map(({ place }) => place.file))).toEqual(new Set([input]))
    if (seed > 1) return
    expect((await outcomeOf(`${seed}-${order}-any`, input, { order: 'any' })).results).toEqual(inTime.results)
  })
})

test('one file per host gives the results of one file in order of time', async () => {
  const lines = linesOf(4)
  const inTime = await outcomeOf('hosts-time', write('hosts-time.ndjson', lines))
  const hosts = [...new Set(lines.map(vmOf))].sort()
  const inputs = hosts.map((host) =>
    write(
      `host-${host}.ndjson`,
      lines.filter((line) => vmOf(line) === host),
    ),
  )
  expect((await outcomeOf('hosts', inputs)).results).toEqual(inTime.results)
})

test('a job that was killed while it sorted, and left runs behind, sorts again and gives the same result', async () => {
  const lines = ORDERS[2]?.[1](linesOf(5), new Random(5)) as string[]
  const text = lines.map((line) => `${line}\n`).join('')
  const calm = await outcomeOf('calm', write('calm.ndjson', lines))
  mkdirSync(at('killed'))
  const args = ['run', '--input', '-', '--order', 'any', '--window', '1m', '--grace', '5s', '--partitions', '2']
  const isSorting = new Promise<void>((resolve) => {
    const watcher = watch(at('killed'), () => {
      if (!existsSync(at('killed/windrow.sort.lock'))) return
      watcher.close()
      resolve()
    })
  })
  const first = startPiped([...args, '--data-dir', at('killed')], folder)
  first.write(text.slice(0, text.length / 2))
  await isSorting
  first.kill()
  await first.ended
  // What a larger input would have left.
  mkdirSync(at('killed/windrow.sort'), { recursive: true })
  writeFileSync(at('killed/windrow.sort/run-0'), 'half a run')
  const second = startPiped([...args, '--data-dir', at('killed')], folder)
  second.write(text)
  second.end()
  expect((await second.ended).code).toBe(0)
  expect(finalResultsIn(at('killed/results.ndjson'))).toEqual(calm.results)
  expect(readdirSync(at('killed')).filter((file) => file.includes('.sort'))).toEqual([])
})

test('a job that sorted its input refuses one with other records, and the order of the files', async () => {
  const lines = linesOf(6).toReversed()
  const input = write('bound.ndjson', lines)
  await outcomeOf('bound', input)
  const flags = [
    'run',
    '--input',
    input,
    '--window',
    '1m',
    '--grace',
    '5s',
    '--partitions',
    '2',
    '--data-dir',
    at('bound'),
  ]
  const again = summaryOf(await windrow([...flags, '--json']))
  expect(again.points.consumed).toBe(lines.length)
  const timed = await start([...flags, '--order', 'time']).ended
  expect(timed.code).toBe(1)
  expect(timed.stderr).toContain('JOB_CHANGED')
})
