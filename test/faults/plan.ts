/** What is struck where, in which order: all of it drawn from the seed, nothing of it from a clock. */
import type { Random } from '../support/random.ts'
import { BY_POINT, KILLS, KINDS } from './kinds.ts'
import { isAtTakeover, Points, type Point } from './points.ts'
import type { Draw, FaultKind } from './site.ts'

export interface PlannedFault extends Draw {
  readonly kind: FaultKind
}

const OFTEN = 3

/**
 * Every kind once a round, round after round, without end. In the first, those by points of progress come more often; in
 * the later ones, which only a run of some minutes sees, whatever kills does.
 */
export function* plan(
  random: Random,
  processors: number,
  kinds: readonly FaultKind[] = KINDS,
): Generator<PlannedFault, never> {
  const points = new Map(kinds.map((kind) => [kind, new Points(random)]))
  for (let often = BY_POINT; ; often = KILLS) {
    const round = kinds.flatMap((kind) => Array.from({ length: often.has(kind) ? OFTEN : 1 }, () => kind))
    for (const kind of random.shuffle(round)) {
      const slot = random.int(0, processors - 1)
      yield { kind, slot, point: pointFor(kind, points.get(kind) as Points) }
    }
  }
}

function pointFor(kind: FaultKind, points: Points): Point {
  const mayBeAtTakeover = kind.name === 'kill-processor'
  const point = { ...(mayBeAtTakeover ? points.next() : points.nextOfCommit()), ...kind.at }
  return isAtTakeover(point) ? { ...point, nth: 1 } : point
}
