import { defineConfig } from 'vitest/config'

/** One project a suite, named by what it needs; see test/README.md. */
const suite = (name: string, include: string[], timeoutMs: number, exclude: string[] = []) => ({
  test: { name, include, exclude, testTimeout: timeoutMs, hookTimeout: timeoutMs, pool: 'forks' as const },
})

export default defineConfig({
  test: {
    projects: [
      suite('unit', ['test/**/*.test.ts', 'examples/**/*.test.ts'], 60_000, [
        'test/trace/**',
        'test/stack/**',
        'test/faults/**',
      ]),
      suite('trace', ['test/trace/**/*.test.ts'], 300_000),
      suite('stack', ['test/stack/**/*.test.ts'], 900_000),
    ],
  },
})
