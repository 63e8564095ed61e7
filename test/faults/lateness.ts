/**
 * What of one producer's window comes late, drawn: some of its points, its manifest, all of it; early enough to be amended
 * in, or too late for that; or copies of what had come in time.
 */
import type { Random } from '../support/random.ts'

/** Closed windows that late points can still amend: what the processors are told by default. */
export const AMEND_WINDOWS = 3

/** How many windows later each sending of a record comes. `[0]`: once and in time; `[0, 2]`: a copy two windows later. */
export type Sendings = readonly number[]

export interface WindowSendings {
  readonly ofPoint: (index: number) => Sendings
  readonly ofManifest: Sendings
}

const IN_TIME: Sendings = [0]
const ALL_IN_TIME: WindowSendings = { ofPoint: () => IN_TIME, ofManifest: IN_TIME }

const OF_POINTS = ['some', 'one-too-late', 'copies', 'copies-too-late'] as const
/** A producer whose last word comes late would be waited for in windows of which it sends nothing: another story. */
const OF_MANIFESTS = ['manifest', 'all'] as const

/** `share`: of the windows of producers, those of which something comes late. `leaves`: it is the producer's last. */
export function drawSendings(
  random: Random,
  { share, points, leaves }: { readonly share: number; readonly points: number; readonly leaves: boolean },
): WindowSendings {
  if (!random.chance(share)) return ALL_IN_TIME
  const within = (): number => random.int(1, AMEND_WINDOWS)
  const beyond = (): number => random.int(AMEND_WINDOWS + 1, AMEND_WINDOWS + 3)
  const some = (count: number, draw: () => Sendings): WindowSendings => {
    const drawn = new Map(Array.from({ length: count }, () => [random.int(0, points - 1), draw()]))
    return { ofPoint: (index) => drawn.get(index) ?? IN_TIME, ofManifest: IN_TIME }
  }
  const kind = random.pick(leaves ? OF_POINTS : [...OF_POINTS, ...OF_MANIFESTS])
  switch (kind) {
    case 'some':
      // One that comes twice may find itself pending, amended in, or too old to be known as a copy.
      return some(3, () => (random.chance(0.5) ? [within()] : [within(), within()]))
    case 'one-too-late':
      return some(1, () => [beyond()])
    case 'copies':
      return { ...some(3, () => [0, within()]), ofManifest: [0, within()] }
    case 'copies-too-late':
      return { ...some(2, () => [0, beyond()]), ofManifest: [0, beyond()] }
    case 'manifest':
      return { ...ALL_IN_TIME, ofManifest: [within()] }
    case 'all': {
      const late = [within()]
      return { ofPoint: () => late, ofManifest: late }
    }
  }
}
