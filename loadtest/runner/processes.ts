/** Runs the built command line as processes: a gateway that can be killed and restarted, and commands to their end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/build\/$/, '/')
const CLI = join(ROOT, 'dist', 'cli', 'main.js')

export interface GatewayProcess {
  readonly url: string
  readonly pid: number
  readonly isAlive: () => boolean
  /** Sends SIGTERM or the given signal; resolves with the exit code when the process has ended. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

const READY_WITHIN_MS = 60_000
const POLL_EVERY_MS = 50

/** Starts a gateway; resolves when it reports that it is ready. */
export async function startGateway(port: number, args: readonly string[], logFile: string): Promise<GatewayProcess> {
  const url = `http://127.0.0.1:${port}`
  const { child, ended } = await launch(['gateway', '--listen', `127.0.0.1:${port}`, ...args], logFile)
  for (const deadlineMs = performance.now() + READY_WITHIN_MS; ; await delay(POLL_EVERY_MS)) {
    if (!isAlive(child)) throw new Error(`the gateway ended during startup; see ${logFile}`)
    // A refused connection means that the gateway does not listen yet.
    const response = await fetch(`${url}/readyz`).catch(() => null)
    if (response?.ok === true) break
    if (performance.now() > deadlineMs) {
      child.kill('SIGKILL')
      throw new Error(
        `the gateway is not ready after ${READY_WITHIN_MS / 1000} s: ${(await response?.text()) ?? 'no answer'}`,
      )
    }
  }
  return {
    url,
    pid: child.pid as number,
    isAlive: () => isAlive(child),
    end: (signal = 'SIGTERM') => {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs a command to its end and returns its last line on standard output. Throws if it fails. */
export async function windrow(args: readonly string[], logFile: string): Promise<string> {
  const env = { ...process.env, WINDROW_DEBUG: '1' }
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  const log = await open(logFile, 'a')
  await log.write(stderr)
  await log.close()
  if (code !== 0) throw new Error(`windrow ${args[0]} ended with ${code}: ${stderr.slice(-6000)}`)
  return stdout.trimEnd().split('\n').at(-1) ?? ''
}

async function launch(
  args: readonly string[],
  logFile: string,
): Promise<{ child: ChildProcess; ended: Promise<number | null> }> {
  const log = await open(logFile, 'a')
  try {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', log.fd, log.fd] })
    const ended = once(child, 'exit').then(([code]) => code as number | null)
    await once(child, 'spawn')
    return { child, ended }
  } finally {
    await log.close()
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
