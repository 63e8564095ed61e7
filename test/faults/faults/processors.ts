/** Processors that die, and processors that are taken for dead and come back. */
import { isAtTakeover } from '../points.ts'
import type { FaultKind } from '../site.ts'
import { membersOf } from '../group.ts'

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

/** SIGSTOP at the very point, until the group has given its partitions to others; then it goes on where it was. */
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
    victim.signal('SIGCONT')
    await watch.until('it to be given partitions again', () =>
      victim.hasEnded || [...owners.values()].includes(slot) ? true : undefined,
    )
    return 1
  },
}
