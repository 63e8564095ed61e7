/** Kafka (without the rest of the stack) and k6 for the tests of a file; removed with their files afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { provideK6 } from '../../loadtest/runner/k6.ts'
import { startBroker, type Broker } from '../../src/dev/stack/index.ts'
import { busyPorts } from '../../src/dev/stack/ports.ts'
import { ensureBuilt } from '../support/built.ts'

export interface LoadTestEnvironment {
  readonly brokers: string
  readonly folder: string
  readonly gatewayPort: number
  /** Sends a signal such as SIGSTOP or SIGCONT to the process of Kafka. */
  readonly signalBroker: (signal: NodeJS.Signals) => void
  readonly killBroker: () => Promise<void>
  /** Restarts Kafka with the same folder and port. */
  readonly restartBroker: () => Promise<void>
}

export function environmentForTests(): () => LoadTestEnvironment {
  let broker: Broker | undefined
  let environment: LoadTestEnvironment | undefined
  let folder: string | undefined
  beforeAll(async () => {
    ensureBuilt()
    folder = await mkdtemp(join(tmpdir(), 'windrow-loadtest-'))
    const port = await freePorts(3)
    const options = { dataDir: join(folder, 'kafka'), port: port + 1, controllerPort: port + 2 }
    broker = await startBroker(options)
    environment = {
      brokers: broker.address,
      folder,
      gatewayPort: port,
      signalBroker: (signal) => void process.kill((broker as Broker).pid, signal),
      killBroker: async () => broker?.stop('SIGKILL'),
      restartBroker: async () => void (broker = await startBroker(options)),
    }
  })
  afterAll(async () => {
    await broker?.stop()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })
  return () => {
    if (environment === undefined) throw new Error('Kafka is not up yet')
    return environment
  }
}

/** Building k6 takes a minute on a quiet machine, and has taken more than five on a busy one. */
const K6_WITHIN_MS = 900_000

/** The path of k6, which is built by the first test on a machine. */
export function k6ForTests(): () => string {
  let program: string | undefined
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'windrow-k6-'))
    program = await provideK6(join(folder, 'k6-build.log'), () => undefined)
    await rm(folder, { recursive: true })
  }, K6_WITHIN_MS)
  return () => {
    if (program === undefined) throw new Error('k6 is not there yet')
    return program
  }
}

/** The first of `count` consecutive free ports. */
async function freePorts(count: number): Promise<number> {
  for (let first = 27_000; ; first += count) {
    const ports = Array.from({ length: count }, (_, i) => first + i)
    if ((await busyPorts(ports)).length === 0) return first
  }
}
