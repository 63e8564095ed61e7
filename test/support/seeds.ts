/**
 * How much a randomized test tries. `npm test` tries few seeds, so that it stays fast. `npm run test:simulation`, which CI
 * runs as well, tries many: vitest.config.ts puts every test file that imports this module into that suite, too, and sets
 * WINDROW_SUITE there.
 */
const isSimulation = process.env['WINDROW_SUITE'] === 'simulation'

export interface PerSuite<T = number> {
  /** In `npm test`. */
  readonly unit: T
  /** In `npm run test:simulation`. */
  readonly simulation: T
}

/** The value for the suite that runs: a number of seeds or of runs of a property, the least that they must have met, or a size. */
export function perSuite<T = number>({ unit, simulation }: PerSuite<T>): T {
  return isSimulation ? simulation : unit
}
