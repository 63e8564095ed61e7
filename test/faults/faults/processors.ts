/** Faults of processors: one is killed, or is paused until it counts as dead and then continues as a zombie. */
import { isAtTakeover } from '../injection-points.ts'
import type { FaultKind } from '../environment.ts'
import { membersOf } from '../group.ts'
import type { LogLine } from '../processors.ts'
import type { Watch } from '../watch.ts'

/** SIGKILL at the injection point; another processor is started in the same slot. */
export const killProcessor: FaultKind = {
  name: 'kill-processor',
  async inject({ processors, watch }, { point, slot }) {
    let victim = processors.at(slot)
    if (isAtTakeover(point)) {
      // Only a takeover reaches this point, so the running processor is killed first.
      victim.signal('SIGKILL')
      await victim.running.ended
      victim = processors.start(slot, point)
    } else victim.arm(point, 'SIGKILL')
    await watch.until(`processor ${slot} to die`, () => (victim.hasEnded ? true : undefined))
    processors.start(slot)
    return isAtTakeover(point) ? 2 : 1
  },
}

/** After this many sweeps, the successor has also deleted the attempt that the zombie was working on. */
const SWEEPS = 2

/**
 * SIGSTOP at the injection point until other processors own its partitions, then SIGCONT: it continues where it was. If the
 * point is a second occurrence, it stays paused until its successors have made some more commits.
 */
export const zombie: FaultKind = {
  name: 'zombie',
  async inject(env, { point, slot }) {
    const { processors, watch, owners } = env
    const victim = processors.at(slot)
    victim.arm(point, 'SIGSTOP')
    await watch.until(`processor ${slot} to be paused`, () => (victim.isArmed ? undefined : true))
    const owned = [...owners].filter(([, owner]) => owner === slot).map(([partition]) => partition)
    await watch.until('its session to time out', async () =>
      (await membersOf(env)) < processors.all.length ? true : undefined,
    )
    await watch.until('others to take over', () =>
      owned.every((partition) => owners.get(partition) !== slot) ? true : undefined,
    )
    if (point.nth > 1) await Promise.all(owned.map((partition) => sweptByOther(watch, partition, slot)))
    victim.signal('SIGCONT')
    await watch.until('it to own partitions again', () =>
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
