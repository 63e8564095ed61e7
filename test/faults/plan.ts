/** The fault plan: which fault is injected where and in which order. All of it is drawn from the seed, nothing from a clock. */
import type { Random } from '../support/random.ts'
import { BY_POINT, KILLS, KINDS } from './kinds.ts'
import { isAtTakeover, InjectionPoints, type InjectionPoint } from './injection-points.ts'
import type { Injection, FaultKind } from './environment.ts'

export interface PlannedFault extends Injection {
  readonly kind: FaultKind
}

/** How often a round contains the kinds that it repeats. */
const OFTEN = 3

/**
 * An endless plan in rounds. Each round contains every kind once. The first round repeats the kinds that are injected at a
 * step of a processor; later rounds, which only runs of several minutes reach, repeat the kinds that kill something.
 */
export function* plan(
  random: Random,
  processors: number,
  kinds: readonly FaultKind[] = KINDS,
): Generator<PlannedFault, never> {
  const points = new Map(kinds.map((kind) => [kind, new InjectionPoints(random)]))
  for (let often = BY_POINT; ; often = KILLS) {
    const round = kinds.flatMap((kind) => Array.from({ length: often.has(kind) ? OFTEN : 1 }, () => kind))
    for (const kind of random.shuffle(round)) {
      const slot = random.int(0, processors - 1)
      yield { kind, slot, point: pointFor(kind, points.get(kind) as InjectionPoints) }
    }
  }
}

function pointFor(kind: FaultKind, points: InjectionPoints): InjectionPoint {
  const mayBeAtTakeover = kind.name === 'kill-processor'
  const point = { ...(mayBeAtTakeover ? points.next() : points.nextOfCommit()), ...kind.at }
  return isAtTakeover(point) ? { ...point, nth: 1 } : point
}
