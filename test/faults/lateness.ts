/**
 * Draws which records of one producer's window arrive late: some of its points, its manifest, or all of them; early enough
 * to amend the window, or too late for that; or duplicates of records that had arrived in time.
 */
import type { Random } from '../support/random.ts'

/** Number of closed windows that late points can still amend: the default of `--amend-windows`. */
export const AMEND_WINDOWS = 3

/** By how many windows each sending of a record is late. `[0]`: once, in time; `[0, 2]`: also a duplicate two windows later. */
export type Sendings = readonly number[]

export interface WindowSendings {
  readonly ofPoint: (index: number) => Sendings
  readonly ofManifest: Sendings
}

const IN_TIME: Sendings = [0]
const ALL_IN_TIME: WindowSendings = { ofPoint: () => IN_TIME, ofManifest: IN_TIME }

const OF_POINTS = ['some', 'one-too-late', 'duplicates', 'duplicates-too-late'] as const
/** Not drawn for a producer's last window: if its last manifest were late, later windows would wait for the producer. */
const OF_MANIFESTS = ['manifest', 'all'] as const

/** `share`: share of producer windows with late records. `leaves`: it is the producer's last window. */
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
      // The second sending of a point may find the first one pending, already amended, or too old to be recognized.
      return some(3, () => (random.chance(0.5) ? [within()] : [within(), within()]))
    case 'one-too-late':
      return some(1, () => [beyond()])
    case 'duplicates':
      return { ...some(3, () => [0, within()]), ofManifest: [0, within()] }
    case 'duplicates-too-late':
      return { ...some(2, () => [0, beyond()]), ofManifest: [0, beyond()] }
    case 'manifest':
      return { ...ALL_IN_TIME, ofManifest: [within()] }
    case 'all': {
      const late = [within()]
      return { ofPoint: () => late, ofManifest: late }
    }
  }
}
