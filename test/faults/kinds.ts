/** All that can happen, by name. */
import { churn, offsetsDeleted, offsetsToEnd, offsetsToStart } from './faults/group.ts'
import { killBroker, killDaprd, killPlacement, killScheduler, killStore, loseSchedulerData } from './faults/parts.ts'
import { killProcessor, zombie } from './faults/processors.ts'
import { failingState, failingStore, fullDisk, slowState, slowStore } from './faults/state-calls.ts'
import type { FaultKind } from './site.ts'

export const KINDS: readonly FaultKind[] = [
  ...[killProcessor, zombie],
  ...[killDaprd, killScheduler, killPlacement, killStore, killBroker],
  ...[loseSchedulerData, slowState, failingState, slowStore, failingStore, fullDisk],
  ...[offsetsToStart, offsetsToEnd, offsetsDeleted, churn],
]

/** These fall on a point of progress of a processor, of which there are many: once is not enough even for a short run. */
export const BY_POINT: ReadonlySet<FaultKind> = new Set([killProcessor, zombie])

/** Something is dead at once. */
export const KILLS: ReadonlySet<FaultKind> = new Set([
  ...[killProcessor, killDaprd, killScheduler, killPlacement, killStore, killBroker],
])
