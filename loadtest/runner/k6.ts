/** k6 itself: built once a machine by Go into the project's cache, outside every checkout, and run as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtOnce, cacheFolder } from '../../src/dev/stack/cache.ts'
import { runToEnd } from '../../src/dev/stack/process.ts'

const K6_VERSION = '1.8.1'

/** Path of the program. The first build takes a minute or two and says so to `onBuild`. */
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
  /** File of `loadtest/scenarios/`, without its ending. */
  readonly scenario: string
  readonly env: Readonly<Record<string, string>>
  /** Gets what the script logs: an attempt a line. */
  readonly attemptsFile: string
  /** Gets k6's figures as JSON. */
  readonly summaryFile: string
  readonly logFile: string
  readonly signal: AbortSignal
  /** Told of its process. */
  readonly onStart?: (pid: number) => void
}

/** The scripts are sources, wherever this file was compiled to. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/build\/$/, '/')
export const SCENARIOS_FOLDER = join(ROOT, 'loadtest', 'scenarios')

/** Exit code of k6 when thresholds failed. */
export const THRESHOLDS_FAILED = 99
/** And when it was told to end. */
export const INTERRUPTED = 105

/** Runs to the end; the exit code. An abort stops the users where they are. */
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
