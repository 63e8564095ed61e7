/** Kafka alone and k6 for the tests of a file; both are gone after it, and so are their files. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { startBroker, type Broker } from '../../src/stack/index.ts'
import { busyPorts } from '../../src/stack/ports.ts'
import { ensureBuilt } from '../support/built.ts'

export interface LoadTestEnvironment {
  readonly brokers: string
  readonly folder: string
  readonly gatewayPort: number
}

export function environmentForTests(): () => LoadTestEnvironment {
  let broker: Broker | undefined
  let environment: LoadTestEnvironment | undefined
  let folder: string | undefined
  beforeAll(async () => {
    ensureBuilt()
    folder = await mkdtemp(join(tmpdir(), 'windrow-loadtest-'))
    const port = await freePorts(3)
    broker = await startBroker({ dataDir: join(folder, 'kafka'), port: port + 1, controllerPort: port + 2 })
    environment = { brokers: broker.address, folder, gatewayPort: port }
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

/** The first of so many in a row. */
async function freePorts(count: number): Promise<number> {
  for (let first = 27_000; ; first += count) {
    const ports = Array.from({ length: count }, (_, i) => first + i)
    if ((await busyPorts(ports)).length === 0) return first
  }
}
