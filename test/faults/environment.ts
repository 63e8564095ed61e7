/** The environment of a run: the stack, the processors, and everything that a fault kind needs to inject its fault. */
import type { Stack } from '../../src/dev/stack/index.ts'
import type { TcpProxy } from '../adapters/dapr/support/tcp-proxy.ts'
import type { LimitedDisk } from './limited-disk.ts'
import type { InjectionPoint } from './injection-points.ts'
import type { Processors } from './processors.ts'
import type { Sidecars } from './sidecars.ts'
import type { Watch } from './watch.ts'

export interface FaultEnvironment {
  readonly stack: Stack
  readonly job: string
  readonly topic: string
  readonly partitions: number
  readonly processors: Processors
  readonly sidecars: Sidecars
  readonly watch: Watch
  /** One per slot: the proxy between its processor and its sidecar. */
  readonly proxies: readonly TcpProxy[]
  /** The proxy between the sidecars and their state store. */
  readonly storeProxy: TcpProxy
  /** The disk under the state store's folder; `null` if it could not be mounted. */
  readonly disk: LimitedDisk | null
  /** By partition: the slot that took it over last. */
  readonly owners: ReadonlyMap<number, number>
}

/** Where the plan injects one fault: drawn from the seed. */
export interface Injection {
  readonly point: InjectionPoint
  readonly slot: number
}

export interface FaultKind {
  readonly name: string
  /** The only point at which it is injected. @default the drawn point */
  readonly at?: Omit<InjectionPoint, 'nth'>
  /** Waits for the point, injects the fault, and restores what it broke. Returns the number of injected faults. */
  readonly inject: (env: FaultEnvironment, injection: Injection) => Promise<number>
}
