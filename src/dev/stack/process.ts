/**
 * Processes that outlive the command that started them. Each process leads a session of its own, so Ctrl-C in the
 * terminal does not reach it. Its pid file lets later commands find it. The kernel may have given the pid to another
 * process since, so the file also contains the start time of the process. Reads /proc, hence Linux only.
 */
import { spawn } from 'node:child_process'
import type { SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { WindrowError } from '../../errors/index.ts'

export interface User {
  readonly uid: number
  readonly gid: number
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  /** Added to the environment of the command line. */
  readonly env?: Readonly<Record<string, string>>
  /** Whom to become; only root can. */
  readonly user?: User | null
  /** Text for standard input. */
  readonly input?: string
}

/** What a pid file says. */
export interface ProcessRecord {
  readonly pid: number
  /** Start time in clock ticks since boot, as /proc has it. */
  readonly startTicks: string
  /** ISO 8601. */
  readonly startedAt: string
}

const POLL_MS = 25

/** Starts a process, detached, and writes its pid file. Its output goes to the end of `logFile`. */
export async function launch(command: Command, pidFile: string, logFile: string): Promise<ProcessRecord> {
  const log = await open(logFile, 'a')
  try {
    const child = spawn(command.program, command.args, {
      ...spawnOptions(command),
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    await once(child, 'spawn')
    child.unref()
    const pid = child.pid as number
    const stat = await readStat(pid)
    const record = { pid, startTicks: stat?.startTicks ?? '', startedAt: new Date().toISOString() }
    await writeFile(`${pidFile}.new`, `${JSON.stringify(record)}\n`)
    await rename(`${pidFile}.new`, pidFile)
    return record
  } finally {
    await log.close()
  }
}

/** Runs a program until it exits. Its output goes to `logFile`; if it fails, the error contains the last lines. */
export async function runToEnd(command: Command, logFile: string): Promise<void> {
  const log = await open(logFile, 'a')
  try {
    const child = spawn(command.program, command.args, {
      ...spawnOptions(command),
      stdio: ['pipe', log.fd, log.fd],
    })
    // A program that does not read its input may end before the input is written. Its exit code shows whether it failed.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(command.input ?? '')
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    if (code === 0) return
    throw new WindrowError(
      `${command.program} ended with ${signal ?? `exit code ${code}`}:\n${await lastLines(logFile, 20)}`,
      { code: 'STACK_PROGRAM_FAILED', remedy: `Read ${logFile}, fix the problem, then run the command again.` },
    )
  } finally {
    await log.close()
  }
}

function spawnOptions(command: Command): SpawnOptions {
  return {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    ...(command.user ? { uid: command.user.uid, gid: command.user.gid } : {}),
  }
}

/** The process that a pid file names, if it is still that process and runs. */
export async function readProcess(pidFile: string): Promise<ProcessRecord | null> {
  const text = await readOrNull(pidFile)
  if (text === null) return null
  const record = JSON.parse(text) as ProcessRecord
  return (await isAlive(record)) ? record : null
}

export async function isAlive(record: ProcessRecord): Promise<boolean> {
  const stat = await readStat(record.pid)
  return stat !== null && stat.startTicks === record.startTicks && !stat.hasEnded
}

/**
 * Sends a signal that ends, then waits until the process and the children it had are gone. Says whether they were in
 * time. Children matter: PostgreSQL's outlive a killed parent for a moment, and hold its memory and its port.
 */
export async function endProcess(record: ProcessRecord, signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> {
  const family = [record, ...(await childrenOf(record.pid))]
  sendSignal(record, signal)
  const deadline = performance.now() + timeoutMs
  while ((await Promise.all(family.map(isAlive))).includes(true)) {
    if (performance.now() > deadline) return false
    await delay(POLL_MS)
  }
  return true
}

export function sendSignal(record: ProcessRecord, signal: NodeJS.Signals): void {
  try {
    process.kill(record.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The end of a log, for error messages. */
export async function lastLines(file: string, count: number): Promise<string> {
  const text = (await readOrNull(file)) ?? ''
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

export async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true })
}

async function childrenOf(pid: number): Promise<ProcessRecord[]> {
  const text = (await readOrNull(`/proc/${pid}/task/${pid}/children`)) ?? ''
  const children: ProcessRecord[] = []
  for (const child of text.split(' ').filter(Boolean).map(Number)) {
    const stat = await readStat(child)
    if (stat !== null) children.push({ pid: child, startTicks: stat.startTicks, startedAt: '' })
  }
  return children
}

async function readStat(pid: number): Promise<ProcessStat | null> {
  const text = await readOrNull(`/proc/${pid}/stat`)
  return text === null ? null : parseStat(text)
}

interface ProcessStat {
  readonly startTicks: string
  readonly hasEnded: boolean
}

/** Reads `/proc/<pid>/stat`, as proc(5) has it: `pid (comm) state …`. Exported for its tests. */
export function parseStat(text: string): ProcessStat {
  // comm may itself hold spaces and brackets. The number of threads is field 20, the start time field 22.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended, and stays for ever where the first process of a container reaps nothing. But while it has other
  // threads, only its first one has ended, and the ports are still held.
  return { startTicks: fields[18] as string, hasEnded: state === 'Z' && Number(fields[16]) <= 1 }
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    // ESRCH: the process ended between opening its file in /proc and reading it.
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}
