/** Starts the built command line as a process, as a user does. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { JobSummary } from '../../src/app/types.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // As if started from a shell and not by npm, under which the program handles signals differently.
    env: { ...process.env, npm_lifecycle_event: undefined, ...env },
  })
  return { child, ended: endOf(child) }
}

function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Runs the program to its end; throws with its output unless the exit code is 0. */
export async function windrow(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const ended = await start(args, env).ended
  if (ended.code !== 0)
    throw new Error(
      `windrow ${args.join(' ')} ended with ${ended.code ?? ended.signal}: ${ended.stderr}${ended.stdout}`,
    )
  return ended
}

/** The last line of a run with `--json`. */
export function summaryOf(ended: Ended): JobSummary {
  return JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '') as JobSummary
}

export function resultsIn(path: string): VmWindowResult[] {
  return linesIn(path).map((line) => JSON.parse(line) as VmWindowResult)
}

export function linesIn(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  return text === '' ? [] : text.trimEnd().split('\n')
}

export interface PipedRun {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  write(text: string): void
  /** Ends standard input. */
  end(): void
  /** As `kill -9` does. */
  kill(): void
}

/** Starts the program in `folder`; the test writes to its standard input. */
export function startPiped(args: readonly string[], folder: string): PipedRun {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, npm_lifecycle_event: undefined },
  })
  return {
    child,
    ended: endOf(child),
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Resolves when the output matches; rejects if the process ends before. */
export function outputOf(child: ChildProcess, stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = ''
    child[stream]?.on('data', (part: string | Buffer) => {
      text += String(part)
      const match = pattern.exec(text)
      if (match !== null) resolve(match)
    })
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}: ${text}`)))
  })
}
