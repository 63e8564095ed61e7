/** `run --ui`: the page has a process of its own, which neither outlives the run nor disturbs it. */
import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { outputOf, start, startPiped, summaryOf } from '../support/windrow-process.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-run-ui-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ONE_POINT = '{"vmId":"a","metric":"cpu","timestamp":1767225600000,"seq":0,"value":1}\n'

function runArgs(port: number): string[] {
  const input = join(folder, 'points.ndjson')
  writeFileSync(input, ONE_POINT)
  return ['run', '--input', input, '--data-dir', join(folder, 'data'), '--json', '--ui', String(port)]
}

test('a run ends with its summary, and its page ends with it', async () => {
  // The process of the page inherits standard error, so `ended` waits for both.
  const ended = await start(runArgs(0)).ended
  expect(ended.code).toBe(0)
  expect(summaryOf(ended).points.accepted).toBe(1)
})

test('a page that cannot be served does not end the run', async () => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const demo = start(['demo', '--vms', '5', '--points', '200', '--data-dir', folder, '--json', '--ui', String(port)])
  const ended = await demo.ended
  taken.close()
  expect(ended.code).toBe(0)
  expect(ended.stderr).toContain(`the page is not served: cannot listen on 127.0.0.1:${port}`)
})

test('a run continues when the process of its page is killed, and reports that', async () => {
  const run = startPiped(['run', '--input', '-', '--json', '--ui', '0'], folder)
  const [line] = await outputOf(run.child, 'stderr', /the page of job windrow: .*/)
  expect(line).toContain('127.0.0.1')
  process.kill(childOf(run.child), 'SIGKILL')
  await outputOf(run.child, 'stderr', /the page is not served: its process ended with SIGKILL/)
  run.write(ONE_POINT)
  run.end()
  const ended = await run.ended
  expect(ended.code).toBe(0)
  expect(summaryOf(ended).points.accepted).toBe(1)
})

/** The only child of a process. */
function childOf({ pid }: ChildProcess): number {
  const all = execFileSync('sh', ['-c', 'cat /proc/[0-9]*/stat 2>/dev/null || true'], { encoding: 'utf8' })
  // `PID (NAME) STATE PARENT …`
  const [, child] = new RegExp(`^(\\d+) \\(.*\\) \\S ${pid} `, 'm').exec(all) ?? []
  return Number(child)
}

test.each(['SIGKILL', 'SIGTERM'] as const)('%s of the job ends the page', async (signal) => {
  const { child, ended } = start(['demo', '--vms', '5', '--points', '200', '--data-dir', folder, '--ui', '0'])
  const [address] = await outputOf(child, 'stderr', /http:\/\/127\.0\.0\.1:\d+/)
  const events = await new Promise<IncomingMessage>((resolve, reject) =>
    get(`${address}/v1/events`, resolve).on('error', reject),
  )
  expect(events.statusCode).toBe(200)
  const closed = new Promise((resolve) => events.on('error', resolve).on('close', resolve).resume())
  child.kill(signal)
  await closed
  // The page's process has inherited standard error, so this waits for both.
  await ended
})
