/** `windrow stack` without a running stack: rejected arguments, and the status of a stack that is down. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CliContext } from '../../../src/cli/command.ts'
import { execute } from '../../../src/cli/program.ts'
import { stackCommand } from '../../../src/cli/stack.ts'
import { only } from '../../cli/cli-context.ts'
import { describeDaprd, describeStack, writeStack } from '../../../src/dev/stack/description.ts'

let dataDir: string
let out: string
let err: string
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'windrow-stack-'))))
afterEach(() => rm(dataDir, { recursive: true, force: true }))

async function windrow(line: string, env: CliContext['env'] = { WINDROW_STACK_DIR: dataDir }): Promise<number> {
  out = err = ''
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  return execute(only(stackCommand), line.split(' '), { env, stdout, stderr, signal: new AbortController().signal })
}

/** A stack.json as written by `up`; none of its services run. */
async function describeOne(): Promise<void> {
  const tool = { path: '/nothing', version: '1.2.3' }
  const tools = {
    java: tool,
    redis: tool,
    postgres: tool,
    postgresUser: null,
    go: null,
    mvn: null,
    prometheus: null,
    grafana: null,
  }
  const programs = { tools, kafkaJars: '/nothing', daprPrograms: '/nothing' }
  const stack = describeStack({ dataDir, portBase: 9090, state: 'redis' }, programs)
  await writeStack({ ...stack, daprds: [describeDaprd(stack, 0, 'windrow', 'redis')] })
}

describe('bad usage ends with 2 and names', () => {
  test.each([
    ['stack', 'action'],
    ['stack pu', 'pu'],
    ['stack status --purge', '--purge: does not apply to stack status'],
    ['stack down --port-base 20000', '--port-base: does not apply to stack down'],
    ['stack up redis', 'service: redis does not apply to stack up'],
    ['stack logs', 'service: is not given'],
    ['stack logs redis --lines many', '--lines: "many" is not a whole number'],
    ['stack up --daprds 0', '--daprds: 0 sidecars do not fit'],
    ['stack up --port-base 80', '--port-base: 80 is not a whole number from 1024'],
    ['stack up --state sqlite', 'sqlite'],
    ['stack up --with kibana', '--with: "kibana" is not known'],
    [`stack up --data-dir it's`, '--data-dir'],
  ])('%s: %s', async (line, problem) => {
    expect(await windrow(line)).toBe(2)
    expect(err).toContain(problem)
  })

  test('all problems at once', async () => {
    expect(await windrow('stack status --daprds x --purge')).toBe(2)
    expect(err).toContain('--purge')
    expect(err).toContain('--daprds: does not apply')
    expect(err).toContain('"x" is not a whole number')
  })
})

test.each(['status', 'down', 'logs redis'])(
  '%s without a stack fails with the command that starts one',
  async (action) => {
    expect(await windrow(`stack ${action}`)).toBe(1)
    expect(err).toContain(`windrow stack up --data-dir ${dataDir}`)
  },
)

test('the status of a stack that is down lists every service and fails', async () => {
  await describeOne()
  expect(await windrow('stack status')).toBe(1)
  const [header, ...rows] = out.trimEnd().split('\n')
  expect(header).toMatch(/^SERVICE +STATE +PID +PORT +VERSION +SINCE$/)
  expect(rows.map((row) => row.split(/ +/).slice(0, 4).join(' '))).toEqual([
    'redis down - 9094',
    'postgres down - 9095',
    'kafka down - 9092',
    'placement down - 9096',
    'scheduler down - 9101',
    'daprd-0 down - 9111',
  ])
})

test('the status with --json is one line', async () => {
  await describeOne()
  expect(await windrow('stack status --json')).toBe(1)
  const { services } = JSON.parse(out) as { services: unknown[] }
  expect(services[0]).toEqual({
    ...{ service: 'redis', state: 'down', problem: null, pid: null },
    ...{ port: 9094, version: '1.2.3', since: null },
  })
})

test('logs prints the end of a log, and an unknown name is an error that lists the logs', async () => {
  await describeOne()
  await mkdir(join(dataDir, 'logs'))
  await writeFile(join(dataDir, 'logs', 'redis.log'), 'one\ntwo\nthree\n')
  expect(await windrow('stack logs redis -n 2')).toBe(0)
  expect(out).toBe('two\nthree\n')
  expect(await windrow('stack logs nothing')).toBe(2)
  expect(err).toContain('The services with a log are redis.')
})

test('--data-dir has precedence over the environment', async () => {
  await describeOne()
  expect(await windrow(`stack down --json --data-dir ${dataDir}`, { WINDROW_STACK_DIR: '/nowhere' })).toBe(0)
  expect(out).toBe('{"stopped":[],"purged":false}\n')
})

test('purge removes the files of the stack and nothing else', async () => {
  await describeOne()
  await writeFile(join(dataDir, 'mine.txt'), '')
  expect(await windrow('stack down --purge')).toBe(0)
  expect(await readdir(dataDir)).toEqual(['mine.txt'])
})
