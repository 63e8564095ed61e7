/**
 * Calls to the sidecar, of the state and of workflows, that are slow and that fail; the same between the sidecar and its
 * store; and a store without room.
 */
import { reached } from './parts.ts'
import type { FaultKind, Site } from '../site.ts'

const SLOW_BY_MS = 40
/** A step of a workflow asks the store several times. */
const STORE_SLOW_BY_MS = 10
/** Commits of the job for which it stays so. */
const COMMITS = 3
const CUTS = 5

function committed({ watch }: Site, nth: number): Promise<void> {
  return watch.line('a commit', (_, { msg }) => msg === 'committed', nth)
}

/** Every piece that goes to the sidecar of one processor and back waits. */
export const slowState: FaultKind = {
  name: 'slow-state',
  async strike(site, draw) {
    const proxy = site.proxies[draw.slot]
    await reached(site, draw)
    proxy?.slow(SLOW_BY_MS)
    try {
      await committed(site, COMMITS)
    } finally {
      proxy?.slow(0)
    }
    return 1
  },
}

/** All calls that are under way fail, each time that the point is reached: some were carried out, some were not. */
export const failingState: FaultKind = {
  name: 'failing-state',
  async strike(site, draw) {
    for (let cut = 0; cut < CUTS; cut++) {
      await reached(site, { ...draw, point: { ...draw.point, nth: 1 } })
      for (const proxy of site.proxies) proxy.cut()
    }
    return CUTS
  },
}

/** Every piece that goes from the sidecars to their store and back waits. */
export const slowStore: FaultKind = {
  name: 'slow-store',
  async strike(site, draw) {
    await reached(site, draw)
    site.storeProxy.slow(STORE_SLOW_BY_MS)
    try {
      await committed(site, COMMITS)
    } finally {
      site.storeProxy.slow(0)
    }
    return 1
  },
}

/** All connections between sidecars and store break each time that the point is reached, with writes under way on them. */
export const failingStore: FaultKind = {
  name: 'failing-store',
  async strike(site, draw) {
    for (let cut = 0; cut < CUTS; cut++) {
      await reached(site, { ...draw, point: { ...draw.point, nth: 1 } })
      site.storeProxy.cut()
    }
    return CUTS
  },
}

/** The store finds its disk full in the middle of its writes; some stores end themselves then. */
export const fullDisk: FaultKind = {
  name: 'full-disk',
  async strike(site, draw) {
    const { stack, watch, disk } = site
    if (disk === null) return 0
    await reached(site, draw)
    await disk.fill()
    await watch.line('a write to fail', (_, { msg }) => msg === 'retry' || msg === 'worker disconnected')
    await disk.free()
    await stack.start(stack.description.state)
    watch.progress()
    return 1
  },
}
