import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** In most tests time begins at 0, which no operator means. The tests of that rule leave the variable out. */
const env = { WINDROW_ALLOW_ANY_YEAR: 'true' }

/** One project per suite; test/README.md describes them. */
const suite = (
  name: string,
  include: string[],
  timeoutMs: number,
  more: { exclude?: string[]; globalSetup?: string; isolate?: boolean; env?: { [name: string]: string } } = {},
) => ({
  test: {
    ...{ name, include, ...more, testTimeout: timeoutMs, hookTimeout: timeoutMs, pool: 'forks' as const },
    env: { ...env, ...more.env },
  },
})

/** Simulations, crashes and injected faults that are too long for `npm test`, whatever the number of their seeds. */
const LONG_SIMULATIONS = [
  'test/simulation/embedded-schedules.test.ts',
  'test/simulation/negative-controls.test.ts',
  'test/crash/**/*.test.ts',
  'test/faults/oracle.test.ts',
  'test/embedded/faults.test.ts',
  'test/cli/any-order.test.ts',
  'test/cli/verify-gaps.test.ts',
]

const testFiles = readdirSync(join(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => `test/${path.replaceAll('\\', '/')}`)
  .map((path) => ({ path, text: readFileSync(join(import.meta.dirname, path), 'utf8') }))

/** The test files whose text contains this. */
const testsWith = (part: string): string[] =>
  testFiles.filter(({ text }) => text.includes(part)).map(({ path }) => path)

/** These try more seeds, or larger fleets, in the simulation suite than in `npm test`; see test/support/seeds.ts. */
const seeded = [...testsWith("support/seeds.ts'"), ...testsWith("support/demo-runs.ts'")]

/** These replace a module, which other files of the same worker must not see. */
const mocking = testsWith('vi.mock(')

export default defineConfig({
  test: {
    projects: [
      suite('unit', ['test/**/*.test.ts', 'examples/**/*.test.ts'], 60_000, {
        // The files of one worker share the modules that they import, which saves half of the CPU time. A test that changes
        // what a module holds restores it.
        isolate: false,
        exclude: [
          ...[
            'test/trace/**',
            'test/stack/**',
            'test/loadtest/**',
            'test/observability/**',
            'test/k8s/**',
            'test/cluster/**',
            'test/page/browser/**',
            'test/page/running.test.ts',
            'test/containers/**',
          ],
          'test/faults/stack/**',
          ...LONG_SIMULATIONS,
          ...mocking,
        ],
      }),
      suite('isolated', mocking, 60_000),
      suite('simulation', [...LONG_SIMULATIONS, ...seeded], 600_000, { env: { WINDROW_SUITE: 'simulation' } }),
      suite('trace', ['test/trace/**/*.test.ts'], 300_000),
      // 10 minutes, since the first run builds Go programs; later runs use them.
      suite('k8s', ['test/k8s/**/*.test.ts'], 600_000),
      // 30 minutes, since the first run builds Kubernetes's API server.
      suite('cluster', ['test/cluster/*.test.ts'], 1_800_000),
      suite('cluster-node', ['test/cluster/node/*.test.ts'], 3_600_000),
      suite('page', ['test/page/browser/**/*.test.ts', 'test/page/running.test.ts'], 120_000),
      // 30 minutes, since the first run builds images of the services.
      suite('compose', ['test/containers/**/*.test.ts'], 1_800_000),
      suite('telemetry', ['test/observability/**/*.test.ts'], 60_000),
      suite('loadtest', ['test/loadtest/**/*.test.ts'], 300_000),
      suite('stack', ['test/stack/**/*.test.ts'], 900_000, { globalSetup: 'test/stack/global-setup.ts' }),
      // 2 hours; a run without progress fails on its own.
      suite('faults', ['test/faults/stack/**/*.test.ts'], 7_200_000),
    ],
  },
})
