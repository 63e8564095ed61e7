/**
 * The sizing model against the runs of docs/internals/performance.md: CPU seconds as computed and as measured. Runs nothing; what it
 * prints stands in docs/operating/scale.md.
 *
 *   npm run bench -- size-error
 */
import { benchmarkTable } from '../src/dev/size/benchmark.ts'

process.stdout.write(benchmarkTable())
