/**
 * Starts the stack's Kafka broker without its other services, for jobs on the embedded sidecar. It needs Java, but none
 * of the builds that take minutes. The broker ends with the process that started it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { retry } from '../../retry/retry.ts'
import { ensureBuilt, isBuilt, plannedBuilds } from './builds.ts'
import { cacheFolder } from './cache.ts'
import { kafkaService } from './kafka.ts'
import type { Service } from './service.ts'
import { addressOf } from './ports.ts'
import { lastLines } from './process.ts'
import { findKafkaTools } from './tools.ts'

export interface BrokerOptions {
  /** Holds its data and its log; kept. */
  readonly dataDir: string
  readonly port: number
  readonly controllerPort: number
  /** Lines of `server.properties` beyond the stack's, which they replace; for other listeners. @default none */
  readonly properties?: readonly string[]
  /** Users of SCRAM with their passwords. @default none */
  readonly scramUsers?: Readonly<Record<string, string>>
  /** Where to look for `PATH` and the cache. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface Broker {
  /** `host:port`. */
  readonly address: string
  readonly logFile: string
  readonly pid: number
  /**
   * Stops the broker, without loss of data unless another `signal` is given, and resolves when its process has ended. A
   * broker that is started in the same folder later has the same records.
   */
  stop(signal?: NodeJS.Signals): Promise<void>
}

const USABLE_RETRY = { baseMs: 200, capMs: 200, budgetMs: 120_000 }

/** Resolves when it answers. Fetches Kafka into the cache the first time. */
export async function startBroker({ env = process.env, ...options }: BrokerOptions): Promise<Broker> {
  const { dataDir, port, controllerPort, properties = [], scramUsers = {} } = options
  await mkdir(dataDir, { recursive: true })
  const logFile = join(dataDir, 'kafka.log')
  const cacheDir = cacheFolder(env, homedir())
  const { kafka: build } = await plannedBuilds()
  const tools = await findKafkaTools({ mvn: !(await isBuilt(build, cacheDir)) }, env.PATH ?? '')
  const kafkaJars = await ensureBuilt(build, cacheDir, tools, logFile)
  const address = addressOf(port)
  const ports = { kafka: port, kafkaController: controllerPort }
  const service = kafkaService({
    ...{ dataDir, ports, addresses: { kafka: address }, kafkaJars, tools, properties, scramUsers },
  })
  await service.prepare(logFile)
  const child = await launch(service, logFile)
  await untilUsable(service, child, logFile)
  return { address, logFile, pid: child.pid as number, stop: (signal = service.stopSignal) => end(child, signal) }
}

async function launch(service: Service, logFile: string): Promise<ChildProcess> {
  const { program, args, cwd } = await service.command()
  const log = await open(logFile, 'a')
  try {
    const child = spawn(program, args, { cwd, stdio: ['ignore', log.fd, log.fd] })
    await once(child, 'spawn')
    return child
  } finally {
    await log.close()
  }
}

async function untilUsable(service: Service, child: ChildProcess, logFile: string): Promise<void> {
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  try {
    await retry(USABLE_RETRY, { clock: monotonicClock, isRetryable: () => !hasEnded() }, () => service.check())
  } catch (error) {
    const what = hasEnded() ? 'ended while it came up' : 'does not become usable'
    await end(child, 'SIGKILL')
    throw new WindrowError(`Kafka ${what} (${messageOf(error)}); its log ends:\n${await lastLines(logFile, 20)}`, {
      code: 'STACK_SERVICE_FAILED',
      cause: error,
    })
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
