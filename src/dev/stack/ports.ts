/**
 * Where the services of a stack listen: all on 127.0.0.1, in one block of a hundred ports, so that one number moves a stack
 * aside. The block stays below 32768, where Linux begins to hand out ports to outgoing connections.
 */
import { createServer } from 'node:net'
import { ConfigurationError } from '../../errors/index.ts'

/** Puts Kafka on its usual 9092 and Prometheus on its usual 9090. */
export const DEFAULT_PORT_BASE = 9090
export const HOST = '127.0.0.1'

const BLOCK = 100
const LOWEST_BASE = 1024
const HIGHEST_BASE = 32_768 - BLOCK
const FIRST_DAPRD = 20
const PORTS_PER_DAPRD = 10

/** The daprds' share of the block. */
export const MAX_DAPRDS = (BLOCK - FIRST_DAPRD) / PORTS_PER_DAPRD

export interface StackPorts {
  readonly kafka: number
  readonly kafkaController: number
  readonly redis: number
  readonly postgres: number
  readonly placement: number
  readonly placementHealth: number
  readonly placementMetrics: number
  readonly placementRaft: number
  readonly scheduler: number
  readonly schedulerHealth: number
  readonly schedulerMetrics: number
  readonly schedulerEtcdClient: number
  readonly schedulerEtcdPeer: number
  readonly prometheus: number
  readonly grafana: number
  /** Where the stack's Prometheus looks for a processor's metrics; the processor is not a service of the stack. */
  readonly processorMetrics: number
  /** The same for a gateway. */
  readonly gatewayMetrics: number
}

export interface DaprdPorts {
  readonly http: number
  readonly grpc: number
  readonly internalGrpc: number
  readonly metrics: number
}

/** Throws a {@link ConfigurationError} for a base whose block does not fit. */
export function stackPorts(base: number): StackPorts {
  if (!Number.isInteger(base) || base < LOWEST_BASE || base > HIGHEST_BASE)
    throw new ConfigurationError([
      {
        place: '--port-base',
        problem: `${base} is not a whole number from ${LOWEST_BASE} to ${HIGHEST_BASE}`,
        remedy: `Give the first of ${BLOCK} free ports, for example 20000.`,
      },
    ])
  return {
    kafka: base + 2,
    kafkaController: base + 3,
    redis: base + 4,
    postgres: base + 5,
    placement: base + 6,
    placementHealth: base + 7,
    placementMetrics: base + 8,
    placementRaft: base + 9,
    scheduler: base + 11,
    schedulerHealth: base + 12,
    schedulerMetrics: base + 13,
    schedulerEtcdClient: base + 14,
    schedulerEtcdPeer: base + 15,
    prometheus: base,
    processorMetrics: base + 16,
    gatewayMetrics: base + 17,
    grafana: base + 18,
  }
}

/** `index` counts from 0 to {@link MAX_DAPRDS} - 1. */
export function daprdPorts(base: number, index: number): DaprdPorts {
  const first = base + FIRST_DAPRD + index * PORTS_PER_DAPRD
  return { http: first, grpc: first + 1, internalGrpc: first + 2, metrics: first + 3 }
}

export function addressOf(port: number): string {
  return `${HOST}:${port}`
}

/** Those of `ports` on which a process listens already. */
export async function busyPorts(ports: readonly number[]): Promise<number[]> {
  const free = await Promise.all(ports.map(isFree))
  return ports.filter((_, i) => !free[i])
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(port, HOST, () => server.close(() => resolve(true)))
  })
}
