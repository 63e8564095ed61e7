/** Faults of services of the stack: a service is killed when a processor reaches an injection point, and restarted. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAt, textOf } from '../injection-points.ts'
import type { Injection, FaultKind, FaultEnvironment } from '../environment.ts'

/** Resolves when any processor has reached the point. */
export function reached({ watch }: FaultEnvironment, { point }: Injection): Promise<void> {
  return watch.line(`a processor to reach ${textOf(point)}`, (_, line) => isAt(line, point), point.nth)
}

async function killAndStart({ stack, sidecars, watch }: FaultEnvironment, service: string): Promise<number> {
  await sidecars.exclusively(async () => {
    await stack.kill(service)
    await stack.start(service)
  })
  watch.progress()
  return 1
}

const killService = (name: string, serviceOf: (env: FaultEnvironment, injection: Injection) => string): FaultKind => ({
  name: `kill-${name}`,
  async inject(env, injection) {
    await reached(env, injection)
    return killAndStart(env, serviceOf(env, injection))
  },
})

export const killDaprd = killService('daprd', ({ stack }, { slot }) => {
  const { daprds } = stack.description
  return daprds[slot % daprds.length]?.name ?? 'daprd-0'
})
export const killScheduler = killService('scheduler', () => 'scheduler')
export const killPlacement = killService('placement', () => 'placement')
export const killStore = killService('store', ({ stack }) => stack.description.state)
export const killBroker = killService('broker', () => 'kafka')

/** The scheduler loses all reminders, so no workflow in progress is ever resumed. */
export const loseSchedulerData: FaultKind = {
  name: 'scheduler-data-lost',
  async inject(env, injection) {
    const { stack, watch } = env
    await reached(env, injection)
    await stack.kill('scheduler')
    await rm(join(stack.description.dataDir, 'scheduler'), { recursive: true, force: true })
    await stack.start('scheduler')
    watch.progress()
    return 1
  },
}
