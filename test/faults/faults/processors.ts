/** Processors that die, and processors that are taken for dead and come back. */
import { isAtTakeover } from '../points.ts'
import type { FaultKind } from '../site.ts'
import { membersOf } from '../group.ts'
import type { LogLine } from '../processors.ts'
import type { Watch } from '../watch.ts'

/** SIGKILL at the very point; another is started in its place. */
export const killProcessor: FaultKind = {
  name: 'kill-processor',
  async strike({ processors, watch }, { point, slot }) {
    let victim = processors.at(slot)
    if (isAtTakeover(point)) {
      // It must take a partition over to come by, so it dies once more on the way.
      victim.signal('SIGKILL')
      await victim.running.ended
      victim = processors.start(slot, point)
    } else victim.arm(point, 'SIGKILL')
    await watch.until(`processor ${slot} to die`, () => (victim.hasEnded ? true : undefined))
    processors.start(slot)
    return isAtTakeover(point) ? 2 : 1
  },
}

/** What a successor has swept by then includes what the zombie had in hand. */
const SWEEPS = 2

/**
 * SIGSTOP at the very point, until the group has given its partitions to others; then it goes on where it was. One that was
 * struck the second time that it came by sleeps on, until its successors have gone on for some commits.
 */
export const zombie: FaultKind = {
  name: 'zombie',
  async strike(site, { point, slot }) {
    const { processors, watch, owners } = site
    const victim = processors.at(slot)
    victim.arm(point, 'SIGSTOP')
    await watch.until(`processor ${slot} to stand still`, () => (victim.isArmed ? undefined : true))
    const owned = [...owners].filter(([, owner]) => owner === slot).map(([partition]) => partition)
    await watch.until('its session to time out', async () =>
      (await membersOf(site)) < processors.all.length ? true : undefined,
    )
    await watch.until('others to take over', () =>
      owned.every((partition) => owners.get(partition) !== slot) ? true : undefined,
    )
    if (point.nth > 1) await Promise.all(owned.map((partition) => sweptByOther(watch, partition, slot)))
    victim.signal('SIGCONT')
    await watch.until('it to be given partitions again', () =>
      victim.hasEnded || [...owners.values()].includes(slot) ? true : undefined,
    )
    return 1
  },
}

function sweptByOther(watch: Watch, partition: number, slot: number): Promise<void> {
  const isSwept = (by: number, { msg, step, phase, ...line }: LogLine): boolean =>
    msg === 'step' && step === 'sweep' && phase === 'ended' && line['partition'] === partition && by !== slot
  return watch.line(`another to sweep partition ${partition}`, isSwept, SWEEPS)
}
