/** Runs the built `windrow` in a process of its own, and reports what that process used. Several benchmarks do this. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

export interface Usage {
  /** On the clock, from the start of the process to its end. */
  readonly seconds: number
  /** Of all threads. */
  readonly cpuSeconds: number
  readonly maxRssMib: number
}

export interface MeasuredRun extends Usage {
  readonly stdout: string
}

export interface RunOptions {
  /** @default that of this process */
  readonly checkout?: string
  /** @default that of this process */
  readonly cwd?: string
  /** Options of Node, such as those of a profiler. */
  readonly nodeOptions?: readonly string[]
  /** Whether standard error is shown only if the run fails. */
  readonly isQuiet?: boolean
}

const REPORT_USAGE = new URL('report-usage.mjs', import.meta.url).href

/** Throws if the process ends with another code than 0. */
export async function measuredRun(args: readonly string[], options: RunOptions = {}): Promise<MeasuredRun> {
  const { checkout = '.', cwd, nodeOptions = [], isQuiet = false } = options
  const main = resolve(checkout, 'dist/cli/main.js')
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...nodeOptions, '--import', REPORT_USAGE, main, ...args], {
    ...{ cwd, stdio: ['ignore', 'pipe', isQuiet ? 'pipe' : 'inherit', 'pipe'] },
  })
  const textOf = (stream: unknown): Promise<string> =>
    stream === null ? Promise.resolve('') : text(stream as Readable)
  const outputs = Promise.all([textOf(child.stdout), textOf(child.stderr), textOf(child.stdio[3])])
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - startedMs) / 1000
  const [stdout, stderr, usage] = await outputs
  if (code !== 0) throw new Error(`windrow ${args[0]} ended with ${code}:\n${stdout}${stderr}`)
  return { stdout, seconds, ...(JSON.parse(usage) as Omit<Usage, 'seconds'>) }
}

/** The summary that `windrow run --json` prints last. */
export function summaryIn<Summary>({ stdout }: MeasuredRun): Summary {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Summary
}
