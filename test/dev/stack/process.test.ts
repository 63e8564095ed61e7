import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endProcess, isAlive, launch, parseStat, readProcess, runToEnd } from '../../../src/dev/stack/process.ts'
import type { Command } from '../../../src/dev/stack/process.ts'

let folder: string
let pidFile: string
let logFile: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windrow-process-'))
  pidFile = join(folder, 'pid.json')
  logFile = join(folder, 'log')
})
afterEach(async () => {
  const left = await readProcess(pidFile)
  if (left !== null) await endProcess(left, 'SIGKILL', 5000)
  await rm(folder, { recursive: true })
})

const shell = (script: string, input?: string): Command => ({
  program: '/bin/sh',
  args: ['-c', script],
  cwd: folder,
  ...(input === undefined ? {} : { input }),
})

/** Waits until the log holds this text. */
async function logged(text: string): Promise<void> {
  await expect.poll(() => readFile(logFile, 'utf8'), { timeout: 10_000 }).toContain(text)
}

test('a launched process is found by its pid file and ends on its signal', async () => {
  const launched = await launch(shell('exec sleep 1000'), pidFile, logFile)
  expect(await readProcess(pidFile)).toEqual(launched)
  expect(await endProcess(launched, 'SIGTERM', 5000)).toBe(true)
  expect(await readProcess(pidFile)).toBeNull()
})

test('a launched process leads its own session, so it gets no signals of the terminal', async () => {
  const { pid } = await launch(shell('exec sleep 1000'), pidFile, logFile)
  // proc(5): `pid (comm) state ppid pgrp session …`
  expect((await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[5]).toBe(String(pid))
})

test('a pid that was reused by another process is not treated as the started process', async () => {
  const launched = await launch(shell('exec sleep 1000'), pidFile, logFile)
  const before = { ...launched, startTicks: '1' }
  expect(await isAlive(before)).toBe(false)
  await writeFile(pidFile, JSON.stringify(before))
  expect(await readProcess(pidFile)).toBeNull()
  await endProcess(launched, 'SIGKILL', 5000)
})

test('a process that does not end in time is reported, and runs until it is killed', async () => {
  const stubborn = await launch(shell('trap "" TERM; echo ready; while :; do sleep 0.1; done'), pidFile, logFile)
  await logged('ready')
  expect(await endProcess(stubborn, 'SIGTERM', 300)).toBe(false)
  expect(await isAlive(stubborn)).toBe(true)
  expect(await endProcess(stubborn, 'SIGKILL', 5000)).toBe(true)
})

test('the end of a process includes the end of its children', async () => {
  const parent = await launch(shell('(sleep 0.7; echo child ends) & echo ready; wait'), pidFile, logFile)
  await logged('ready')
  expect(await endProcess(parent, 'SIGKILL', 5000)).toBe(true)
  expect(await readFile(logFile, 'utf8')).toContain('child ends')
})

/** A stat line in the format of the kernel: 52 fields, of which these matter. */
const stat = (comm: string, state: string, threads: number): string =>
  `77 (${comm}) ${state} 1 77 77 0 -1 4194560 9 0 0 0 5 2 0 0 20 0 ${threads} 0 123456 900 80 18446744073709551615 1 1\n`

test.each([
  ['sleep', 'S', 1, false],
  ['java', 'R', 40, false],
  ['sleep', 'Z', 1, true],
  // Only the first thread has ended: the others hold the ports.
  ['java', 'Z', 3, false],
  ['odd) Z (name', 'S', 1, false],
])('a process %s in state %s with %i threads has ended: %s', (comm, state, threads, hasEnded) => {
  expect(parseStat(stat(comm, state, threads))).toEqual({ startTicks: '123456', hasEnded })
})

test('a program that cannot be started is an error at once', async () => {
  await expect(launch({ program: join(folder, 'nothing'), args: [], cwd: folder }, pidFile, logFile)).rejects.toThrow(
    'ENOENT',
  )
  expect(await readProcess(pidFile)).toBeNull()
})

test('a failed program is reported with its exit code and the end of its output', async () => {
  await expect(runToEnd(shell('echo first; echo last words >&2; exit 3'), logFile)).rejects.toThrow(
    /exit code 3:\nfirst\nlast words/,
  )
})

test('a program receives its input, and its output is returned', async () => {
  await runToEnd(shell('read -r line; echo "got $line"', 'hello\n'), logFile)
  expect(await readFile(logFile, 'utf8')).toBe('got hello\n')
})
