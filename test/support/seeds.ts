/**
 * How much a randomized test tries. `npm test` tries few seeds, so that it stays fast. `npm run test:simulation`, which CI
 * runs as well, tries many: vitest.config.ts puts every test file that imports this module into that suite, too, and sets
 * WINDROW_SUITE there.
 */
const isSimulation = process.env['WINDROW_SUITE'] === 'simulation'

export interface PerSuite {
  /** In `npm test`. */
  readonly unit: number
  /** In `npm run test:simulation`. */
  readonly simulation: number
}

/** The number for the suite that runs: of seeds, of runs of a property, or the least that they must have met. */
export function perSuite({ unit, simulation }: PerSuite): number {
  return isSimulation ? simulation : unit
}
