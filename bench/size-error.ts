/**
 * Compares the sizing model with the runs in docs/internals/performance.md: computed and measured CPU seconds. It does
 * not run any job; its output is part of docs/operating/scale.md.
 *
 *   npm run bench -- size-error
 */
import { benchmarkTable } from '../src/dev/size/benchmark.ts'

process.stdout.write(benchmarkTable())
