/**
 * Faults of calls: slow and failing calls from a processor to its sidecar and from the sidecar to its store, and a store on a
 * full disk.
 */
import { reached } from './services.ts'
import type { FaultKind, FaultEnvironment } from '../environment.ts'

const SLOW_BY_MS = 40
/** Smaller, since one step of a workflow calls the store several times. */
const STORE_SLOW_BY_MS = 10
/** Number of commits for which calls stay slow. */
const COMMITS = 3
const CUTS = 5

function committed({ watch }: FaultEnvironment, nth: number): Promise<void> {
  return watch.line('a commit', (_, { msg }) => msg === 'committed', nth)
}

/** Delays all traffic between one processor and its sidecar. */
export const slowState: FaultKind = {
  name: 'slow-state',
  async inject(env, injection) {
    const proxy = env.proxies[injection.slot]
    await reached(env, injection)
    proxy?.slow(SLOW_BY_MS)
    try {
      await committed(env, COMMITS)
    } finally {
      proxy?.slow(0)
    }
    return 1
  },
}

/** Each time a processor reaches the point, all calls in progress fail; some had taken effect, some had not. */
export const failingState: FaultKind = {
  name: 'failing-state',
  async inject(env, injection) {
    for (let cut = 0; cut < CUTS; cut++) {
      await reached(env, { ...injection, point: { ...injection.point, nth: 1 } })
      for (const proxy of env.proxies) proxy.cut()
    }
    return CUTS
  },
}

/** Delays all traffic between the sidecars and their store. */
export const slowStore: FaultKind = {
  name: 'slow-store',
  async inject(env, injection) {
    await reached(env, injection)
    env.storeProxy.slow(STORE_SLOW_BY_MS)
    try {
      await committed(env, COMMITS)
    } finally {
      env.storeProxy.slow(0)
    }
    return 1
  },
}

/** Each time a processor reaches the point, all connections between sidecars and store break, in the middle of writes. */
export const failingStore: FaultKind = {
  name: 'failing-store',
  async inject(env, injection) {
    for (let cut = 0; cut < CUTS; cut++) {
      await reached(env, { ...injection, point: { ...injection.point, nth: 1 } })
      env.storeProxy.cut()
    }
    return CUTS
  },
}

/** The store's disk is full in the middle of its writes. Some stores exit then. */
export const fullDisk: FaultKind = {
  name: 'full-disk',
  async inject(env, injection) {
    const { stack, watch, disk } = env
    if (disk === null) return 0
    await reached(env, injection)
    await disk.fill()
    await watch.line('a write to fail', (_, { msg }) => msg === 'retry' || msg === 'worker disconnected')
    await disk.free()
    await stack.start(stack.description.state)
    watch.progress()
    return 1
  },
}
