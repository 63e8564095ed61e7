/**
 * The sizing model against the runs of docs/performance.md: CPU seconds as computed and as measured. Runs nothing; what it
 * prints stands in docs/scale.md.
 *
 *   npm run bench -- size-error
 */
import { benchmarkTable } from '../src/dev/size/benchmark.ts'

process.stdout.write(benchmarkTable())
