/** All kinds of faults. The name of a kind is used in `--kinds` and in the figures. */
import { churn, offsetsDeleted, offsetsToEnd, offsetsToStart } from './faults/group.ts'
import { killBroker, killDaprd, killPlacement, killScheduler, killStore, loseSchedulerData } from './faults/services.ts'
import { killProcessor, zombie } from './faults/processors.ts'
import { failingState, failingStore, fullDisk, slowState, slowStore } from './faults/state-calls.ts'
import type { FaultKind } from './environment.ts'

export const KINDS: readonly FaultKind[] = [
  ...[killProcessor, zombie],
  ...[killDaprd, killScheduler, killPlacement, killStore, killBroker],
  ...[loseSchedulerData, slowState, failingState, slowStore, failingStore, fullDisk],
  ...[offsetsToStart, offsetsToEnd, offsetsDeleted, churn],
]

/** Kinds injected at a step of a processor. There are many steps, so even a short run injects these more than once. */
export const BY_POINT: ReadonlySet<FaultKind> = new Set([killProcessor, zombie])

/** Kinds that kill a process. */
export const KILLS: ReadonlySet<FaultKind> = new Set([
  ...[killProcessor, killDaprd, killScheduler, killPlacement, killStore, killBroker],
])
