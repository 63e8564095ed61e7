/** Parts of the stack that are killed when a processor reaches a point, and brought up again. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAt, textOf } from '../points.ts'
import type { Draw, FaultKind, Site } from '../site.ts'

/** Resolves when any processor has come by the point. */
export function reached({ watch }: Site, { point }: Draw): Promise<void> {
  return watch.line(`a processor to reach ${textOf(point)}`, (_, line) => isAt(line, point), point.nth)
}

async function killAndStart({ stack, sidecars, watch }: Site, part: string): Promise<number> {
  await sidecars.exclusively(async () => {
    await stack.kill(part)
    await stack.start(part)
  })
  watch.progress()
  return 1
}

const killPart = (name: string, partOf: (site: Site, draw: Draw) => string): FaultKind => ({
  name: `kill-${name}`,
  async strike(site, draw) {
    await reached(site, draw)
    return killAndStart(site, partOf(site, draw))
  },
})

export const killDaprd = killPart('daprd', ({ stack }, { slot }) => {
  const { daprds } = stack.description
  return daprds[slot % daprds.length]?.name ?? 'daprd-0'
})
export const killScheduler = killPart('scheduler', () => 'scheduler')
export const killPlacement = killPart('placement', () => 'placement')
export const killStore = killPart('store', ({ stack }) => stack.description.state)
export const killBroker = killPart('broker', () => 'kafka')

/** All reminders are gone: no workflow that is under way is ever woken again. */
export const loseSchedulerData: FaultKind = {
  name: 'scheduler-data-lost',
  async strike(site, draw) {
    const { stack, watch } = site
    await reached(site, draw)
    await stack.kill('scheduler')
    await rm(join(stack.description.dataDir, 'scheduler'), { recursive: true, force: true })
    await stack.start('scheduler')
    watch.progress()
    return 1
  },
}
