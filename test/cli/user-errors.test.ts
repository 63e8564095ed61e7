/**
 * Mistakes of a new user, made in a folder of its own: with the commands in this process, and with the built program where
 * processes, signals or all of its output matter. Each mistake causes one message with a remedy and without a stack. It has
 * no lasting effect: the correct command afterwards gives exact results.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { runHere } from '../support/run-here.ts'
import { samplePoints } from '../support/sample-points.ts'

const RIGHT = ['run', '--input', 'points.ndjson', '--partitions', '2']

let home: string
/** Sorted results of the sample, from a run without a mistake. */
let exact: readonly string[]

beforeAll(async () => {
  ensureBuilt()
  freshHome()
  const ended = await built(RIGHT)
  expect(ended).toMatchObject({ code: 0 })
  expect(ended.stderr).not.toMatch(/windrow: |warning/)
  exact = results()
  expect(exact).toHaveLength(9)
  rmSync(home, { recursive: true })
})
beforeEach(freshHome)
afterEach(() => rmSync(home, { recursive: true, force: true }))

function freshHome(): void {
  home = mkdtempSync(join(tmpdir(), 'windrow-errors-'))
  writeFileSync(at('points.ndjson'), samplePoints())
}

const at = (path: string): string => join(home, path)

function results(path = '.windrow/results.ndjson'): string[] {
  return readFileSync(at(path), 'utf8').trimEnd().split('\n').sort()
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

class Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #stderr = ''

  constructor(args: readonly string[]) {
    const { PATH } = process.env
    this.child = spawn(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args], { cwd: home, env: { PATH } })
    let stdout = ''
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => resolve({ code, stdout, stderr: this.#stderr }))
    })
  }

  /** Resolves when standard error contains the text; rejects when the program ends without it. */
  said(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#stderr.includes(text)) resolve()
      }
      look()
      this.child.stderr?.on('data', look)
      this.child.once('close', () => reject(new Error(`ended without ${text}: ${this.#stderr}`)))
    })
  }
}

const windrow = (args: readonly string[]): Promise<Ended> => runHere(args, home)

/** Runs a command as a user does, as a process of its own. */
function built(args: readonly string[]): Promise<Ended> {
  const running = new Running(args)
  running.child.stdin?.end()
  return running.ended
}

/** Expects one message, one remedy, no stack, and nothing on standard output that looks like a summary. */
function expectRefusal(ended: Ended, code: 1 | 2, message: string, remedy: string): void {
  expect(ended).toMatchObject({ code, stdout: '' })
  const lines = ended.stderr.trimEnd().split('\n')
  expect(lines.filter((line) => line.startsWith('windrow: '))).toEqual([expect.stringContaining(message)])
  expect(lines.at(-1)).toMatch(/^ +remedy: /)
  expect(lines.at(-1)).toContain(remedy)
  expect(lines.filter((line) => /^\s+at |UNEXPECTED|node:internal|warning/.test(line))).toEqual([])
}

async function expectExactRun(args: readonly string[] = RIGHT): Promise<void> {
  const ended = await windrow(args)
  expect(ended.stderr).not.toMatch(/windrow: |warning/)
  expect(ended.code).toBe(0)
  expect(results()).toEqual(exact)
}

describe('bad usage ends with 2 before anything is touched', () => {
  const wrong: readonly (readonly [mistake: string, args: readonly string[], message: string, remedy: string])[] = [
    ['a misspelt flag', ['run', '--inptu', 'points.ndjson'], 'unknown flag --inptu', 'Did you mean --input?'],
    ['an unknown command', ['rnu'], 'rnu', 'run'],
    ['no input', ['run'], 'no input is given', 'Give --input PATH for files'],
    ['a time without a unit', [...RIGHT, '--window', '60'], '--window: "60" has no unit', 'such as 250ms'],
    [
      'a misspelt preset',
      [...RIGHT, '--format', 'telegraff'],
      '"telegraff" is not known (did you mean telegraf?)',
      'zabbix',
    ],
    ['no aggregator', [...RIGHT, '--aggregator', 'rates'], 'there is no file', 'Give summary, rate or the path'],
    ['a missing input', ['run', '--input', 'pionts.ndjson'], 'there is no file pionts.ndjson', 'Check the path'],
    ['a pattern without a file', ['run', '--input', '*.csv'], 'no file matches *.csv', 'quote it'],
    ['a folder for a file', ['run', '--input', '.'], '. is a folder', 'Name its files'],
    ['a path through a file', ['run', '--input', 'points.ndjson/x'], 'points.ndjson/x', 'Check the path'],
    [
      'results without .ndjson',
      [...RIGHT, '--results', 'out'],
      '"out" is not a destination that Windrow knows',
      '.ndjson',
    ],
    ['results over the input', [...RIGHT, '--results', 'points.ndjson'], 'is already the input', 'Name another'],
    ['a missing settings file', [...RIGHT, '--config', 'w.yaml'], 'cannot read "w.yaml"', 'Give a readable file'],
  ]
  test.each(wrong)('%s', async (_, args, message, remedy) => {
    expectRefusal(await windrow(args), 2, message, remedy)
    expect(existsSync(at('.windrow'))).toBe(false)
  })

  test.each([
    ['a misspelt setting', 'grce: 5m', 'windrow.yaml:2 grce: there is no setting "grce"', 'Did you mean grace?'],
    ['a misspelt field', 'fields: { vmID: host }', 'there is no field "vmID" (did you mean vmId?)', 'vmId, producer'],
    ['broken YAML', 'input: [points.ndjson', 'windrow.yaml:', 'Fix the YAML at this line'],
  ])('%s in the settings file', async (_, line, message, remedy) => {
    writeFileSync(at('windrow.yaml'), `window: 1h\n${line}\n`)
    expectRefusal(await windrow([...RIGHT, '--config', 'windrow.yaml']), 2, message, remedy)
    expect(existsSync(at('.windrow'))).toBe(false)
  })

  test('several mistakes are reported together', async () => {
    const { code, stderr } = await built([...RIGHT, '--window', '60', '--job', 'My Job', '--results', 'out'])
    expect({ code, first: stderr.split('\n')[0] }).toEqual({ code: 2, first: 'windrow: CONFIGURATION: 3 problems' })
  })
})

describe('an obstacle is named, and the correct command afterwards gives exact results:', () => {
  test('a file where the data folder should be', async () => {
    const ended = await windrow([...RIGHT, '--data-dir', 'points.ndjson'])
    expectRefusal(ended, 1, 'the data folder points.ndjson', 'use another folder')
    await expectExactRun()
  })

  test('a folder where the results should be', async () => {
    mkdirSync(at('.windrow/results.ndjson'), { recursive: true })
    expectRefusal(await windrow(RIGHT), 1, 'cannot be written to .windrow/results.ndjson', '--results another path')
    rmSync(at('.windrow/results.ndjson'), { recursive: true })
    await expectExactRun()
  })

  test('a foreign file at the results path, which is not changed', async () => {
    mkdirSync(at('.windrow'))
    writeFileSync(at('.windrow/results.ndjson'), 'my notes\n')
    expectRefusal(await windrow(RIGHT), 1, 'RESULTS_FILE_EXISTS', 'Move the file away')
    expect(readFileSync(at('.windrow/results.ndjson'), 'utf8')).toBe('my notes\n')
    renameSync(at('.windrow/results.ndjson'), at('notes'))
    await expectExactRun()
  })

  test('the results of another job', async () => {
    await expectExactRun()
    const ended = await windrow([...RIGHT, '--job', 'other'])
    expectRefusal(ended, 1, 'holds the results of the job windrow, not of other', '--results another path')
    await expectExactRun()
  })

  test('results that were moved away since they were published', async () => {
    await expectExactRun()
    mkdirSync(at('away'))
    const published = ['results.ndjson', 'results.ndjson.windrow.json', 'results.certificates.ndjson']
    for (const name of published) renameSync(at(`.windrow/${name}`), at(`away/${name}`))
    expectRefusal(await windrow(RIGHT), 1, 'RESULTS_BEHIND', 'Restore the results')
    for (const name of published) renameSync(at(`away/${name}`), at(`.windrow/${name}`))
    await expectExactRun()
  })

  test('a run on the same data folder', async () => {
    const first = new Running(['run', '--input', '-', '--partitions', '2'])
    const [head, ...tail] = samplePoints().split(/(?<=\n)/)
    first.child.stdin?.write(head)
    await first.said('consumed')
    expectRefusal(
      await windrow(['run', '--input', 'points.ndjson', '--partitions', '2']),
      1,
      'DATA_DIR_IN_USE',
      'other',
    )
    first.child.stdin?.end(tail.join(''))
    expect(await first.ended).toMatchObject({ code: 0 })
    expect(results()).toEqual(exact)
  })
})

describe('a job resumes only with the settings it was started with; an error names', () => {
  beforeEach(() => expectExactRun())

  test('another window', async () => {
    const ended = await windrow([...RIGHT, '--window', '5m'])
    expectRefusal(ended, 1, 'JOB_CHANGED', 'another --job or --data-dir')
    await expectExactRun()
  })

  test('another number of partitions', async () => {
    const ended = await windrow(['run', '--input', 'points.ndjson', '--partitions', '3'])
    expectRefusal(ended, 1, 'partitions was 2 and is now 3', 'another --job or --data-dir')
    await expectExactRun()
  })

  test('an input with an additional line', async () => {
    appendFileSync(
      at('points.ndjson'),
      '{"vmId":"web-1","metric":"cpu","timestamp":1767225600000,"seq":99,"value":1}\n',
    )
    expectRefusal(await windrow(RIGHT), 1, 'INPUT_CHANGED', 'under another job name (--job)')
    writeFileSync(at('points.ndjson'), samplePoints())
    await expectExactRun()
  })

  test('an input of the same size with another value', async () => {
    writeFileSync(at('points.ndjson'), samplePoints().replace('"value":0', '"value":1'))
    expectRefusal(await windrow(RIGHT), 1, 'INPUT_CHANGED', 'under another job name (--job)')
    writeFileSync(at('points.ndjson'), samplePoints())
    await expectExactRun()
  })
})

function csvRow(line: string): string {
  const record = JSON.parse(line) as { manifest?: Record<string, string> } & Record<string, string>
  const { manifest: m, vmId, metric, timestamp, seq, value } = record
  if (m === undefined) return `${vmId},${metric},${timestamp},${seq},${value},,,`
  return `${m['vmId']},,,,,${m['windowStart']},${m['firstSeq']},${m['count']}`
}

test('a CSV file with other column names is an error that names them, and a mapping solves it', async () => {
  const rows = samplePoints().trimEnd().split('\n').map(csvRow)
  writeFileSync(at('points.csv'), ['host,kind,at,n,reading,windowStart,firstSeq,count', ...rows].join('\n') + '\n')
  const command = ['run', '--input', 'points.csv', '--partitions', '2']
  expectRefusal(
    await windrow(command),
    1,
    'the columns vmId, timestamp, value, metric, seq are missing',
    'map the columns',
  )
  writeFileSync(at('map.yaml'), 'fields: { vmId: host, metric: kind, timestamp: at, seq: n, value: reading }\n')
  await expectExactRun([...command, '--config', 'map.yaml'])
})

// Only Linux has a device that is always full; elsewhere the disk itself would have to be filled.
describe.runIf(process.platform === 'linux')('a full disk', () => {
  beforeEach(() => {
    mkdirSync(at('.windrow'))
    symlinkSync('/dev/full', at('.windrow/results.ndjson'))
  })

  test('is reported once, and publishing resumes automatically when space is free', async () => {
    const running = new Running(RIGHT)
    await running.said('no space is left')
    rmSync(at('.windrow/results.ndjson'))
    const ended = await running.ended
    expect(ended.code).toBe(0)
    expect(
      ended.stderr.match(/no space is left to write the results to .*\n {2}remedy: Nothing is lost/g),
    ).toHaveLength(1)
    expect(results()).toEqual(exact)
  })

  test('and a run that is stopped meanwhile loses nothing', async () => {
    const running = new Running(RIGHT)
    await running.said('no space is left')
    running.child.kill('SIGINT')
    const ended = await running.ended
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('windrow: STOPPED: stopped while publishing kept failing: no space is left')
    expect(ended.stderr).toMatch(/remedy: Nothing is lost: fix the cause and start again.*\n$/)
    expect(ended.stderr).not.toMatch(/^\s+at /m)
    rmSync(at('.windrow/results.ndjson'))
    await expectExactRun()
  })
})
