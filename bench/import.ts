/**
 * What importing Windrow costs: CPU seconds and peak memory of a process that imports an entry of the package and ends,
 * beside an empty process. Each run is a new process; the runs of the entries alternate. It measures the built package,
 * as programs load it, from a warm file cache. It does not measure what a run loads later.
 *
 *   npm run bench -- import [RUNS]
 */
import { execFileSync } from 'node:child_process'

const RUNS = Number(process.argv[2] ?? 10)

/** The package resolves its own name, by the `exports` of package.json. */
const ENTRIES: Record<string, string> = {
  'an empty process': '',
  "import('windrow/results')": "await import('windrow/results')",
  "import('windrow')": "await import('windrow')",
}
/** CPU time counts all threads of the process. */
const REPORT = `
const { user, system } = process.cpuUsage(before)
const all = process.cpuUsage()
console.log(JSON.stringify({
  importCpu: (user + system) / 1e6,
  cpu: (all.user + all.system) / 1e6,
  rssMib: process.resourceUsage().maxRSS / 1024,
}))`

interface Cost {
  /** Of the import alone, and of the whole process; seconds. */
  readonly importCpu: number
  readonly cpu: number
  readonly rssMib: number
}

function measure(code: string): Cost {
  const script = `const before = process.cpuUsage()\n${code}\n${REPORT}`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })) as Cost
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  const shown = [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)].map((value) => value?.toFixed(digits))
  return `${shown[0]} (${shown[1]} to ${shown[2]})`
}

const costs = new Map<string, Cost[]>(Object.keys(ENTRIES).map((name) => [name, []]))
// The first round warms the file cache and is not counted.
for (let round = 0; round <= RUNS; round++) {
  for (const [name, code] of Object.entries(ENTRIES)) {
    const cost = measure(code)
    if (round > 0) costs.get(name)?.push(cost)
  }
}
console.log(`Node ${process.version}, median of ${RUNS} runs (lowest to highest)`)
for (const [name, all] of costs) {
  const importCpu = spread(
    all.map((cost) => cost.importCpu),
    3,
  )
  const cpu = spread(
    all.map((cost) => cost.cpu),
    3,
  )
  console.log(
    `${name.padEnd(28)} import ${importCpu} s CPU, process ${cpu} s CPU, peak ${spread(
      all.map((cost) => cost.rssMib),
      0,
    )} MiB`,
  )
}
