/** Builds k6 with Go, once per machine, into the project's cache outside the checkout, and runs it as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtOnce, cacheFolder } from '../../src/dev/stack/cache.ts'
import { runToEnd } from '../../src/dev/stack/process.ts'

const K6_VERSION = '1.8.1'

/** Path of the program. Calls `onBuild` before the first build, which takes a minute or two. */
export async function provideK6(logFile: string, onBuild: () => void): Promise<string> {
  const folder = await builtOnce(cacheFolder(process.env, homedir()), `k6-${K6_VERSION}`, async (into) => {
    onBuild()
    const env = { GOBIN: into, GOFLAGS: '' }
    await runToEnd({ program: 'go', args: ['install', `go.k6.io/k6@v${K6_VERSION}`], cwd: into, env }, logFile)
  })
  return join(folder, 'k6')
}

export interface K6Run {
  readonly program: string
  /** File in `loadtest/scenarios/`, without its extension. */
  readonly scenario: string
  readonly env: Readonly<Record<string, string>>
  /** File for the script's log: one attempt per line. */
  readonly attemptsFile: string
  /** File for k6's figures as JSON. */
  readonly summaryFile: string
  readonly logFile: string
  readonly signal: AbortSignal
  /** Called with the id of the process. */
  readonly onStart?: (pid: number) => void
}

/** The scripts are always run from the sources, even if this file is compiled. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/build\/$/, '/')
export const SCENARIOS_FOLDER = join(ROOT, 'loadtest', 'scenarios')

/** Exit code of k6 if thresholds failed. */
export const THRESHOLDS_FAILED = 99
/** Exit code of k6 if it was interrupted. */
export const INTERRUPTED = 105

/** Runs k6 to its end and returns the exit code. An abort stops the users immediately. */
export async function runK6(run: K6Run): Promise<number | null> {
  const log = await open(run.logFile, 'a')
  try {
    const script = join(SCENARIOS_FOLDER, `${run.scenario}.ts`)
    const child = spawn(
      run.program,
      ['run', '--quiet', '--no-usage-report', '--log-format', 'raw', '--console-output', run.attemptsFile, script],
      {
        env: { ...process.env, ...run.env, SUMMARY: run.summaryFile },
        stdio: ['ignore', log.fd, log.fd],
      },
    )
    if (child.pid !== undefined) run.onStart?.(child.pid)
    const stop = (): void => void child.kill('SIGINT')
    run.signal.addEventListener('abort', stop, { once: true })
    const [code] = (await once(child, 'exit')) as [number | null]
    run.signal.removeEventListener('abort', stop)
    return code
  } finally {
    await log.close()
  }
}
