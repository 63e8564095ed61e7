/** Where a run takes place: the stack, the processors, and all that a fault needs to do its worst there. */
import type { Stack } from '../../src/dev/stack/index.ts'
import type { TcpProxy } from '../adapters/dapr/support/tcp-proxy.ts'
import type { LimitedDisk } from './limited-disk.ts'
import type { Point } from './points.ts'
import type { Processors } from './processors.ts'
import type { Sidecars } from './sidecars.ts'
import type { Watch } from './watch.ts'

export interface Site {
  readonly stack: Stack
  readonly job: string
  readonly topic: string
  readonly partitions: number
  readonly processors: Processors
  readonly sidecars: Sidecars
  readonly watch: Watch
  /** Between a slot's processor and its sidecar. */
  readonly proxies: readonly TcpProxy[]
  /** Between the sidecars and their state store. */
  readonly storeProxy: TcpProxy
  /** Under the state store; `null` where it could not be mounted. */
  readonly disk: LimitedDisk | null
  /** By partition, the slot that took it over last. */
  readonly owners: ReadonlyMap<number, number>
}

/** What the plan draws for one blow. */
export interface Draw {
  readonly point: Point
  readonly slot: number
}

export interface FaultKind {
  readonly name: string
  /** The only point at which it strikes. @default any that is drawn */
  readonly at?: Omit<Point, 'nth'>
  /** Does it once, from reaching its point to what it broke being up again. Returns how many blows that were. */
  readonly strike: (site: Site, draw: Draw) => Promise<number>
}
