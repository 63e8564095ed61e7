/**
 * What starting Windrow costs: CPU seconds of whole commands that have next to nothing to do. The run has one point, so its
 * CPU time is what passes before the first record and after the last. Runs of this checkout and of another one alternate.
 *
 *   npm run bench -- start [--runs 7] [--against CHECKOUT] [--clone]
 *
 * With `--clone` it measures `npm start` instead, from a clean clone of the last commit, by the seconds on the clock of its
 * steps: install, build, demo. The package cache is warm after the first clone, which is not counted.
 *
 * Every command's output is checked. It measures the built programs with a warm file cache, and not the parallel work of a
 * long run. CPU seconds include all threads, garbage collection and compilation.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measuredRun } from './process/measured-run.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    against: { type: 'string' },
    clone: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)

interface Side {
  readonly name: string
  readonly checkout: string
}

const sides: Side[] = [{ name: 'this', checkout: resolve('.') }]
if (values.against !== undefined) sides.unshift({ name: 'other', checkout: resolve(values.against) })

/** Medians of each figure by side, one line per figure, with the ratio if there are two sides. */
class Figures {
  readonly #seen = new Map<string, Map<string, number[]>>()

  add(figure: string, { name }: Side, seconds: number): void {
    const bySide = this.#seen.get(figure) ?? new Map<string, number[]>()
    this.#seen.set(figure, bySide)
    bySide.set(name, [...(bySide.get(name) ?? []), seconds])
  }

  print(): void {
    for (const [figure, bySide] of this.#seen) {
      const medians = sides.map(({ name }) => spread(bySide.get(name) ?? []))
      const shown = medians.map(({ text }, i) => `${sides[i]?.name} ${text}`)
      const [other, own] = medians
      const ratio = other === undefined || own === undefined ? '' : `  ratio ${(own.median / other.median).toFixed(2)}`
      console.log(`${figure.padEnd(24)} ${shown.join('  ')}${ratio}`)
    }
  }
}

function spread(all: readonly number[]): { readonly median: number; readonly text: string } {
  const sorted = all.toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? Number.NaN
  return { median, text: `${median.toFixed(3)} s (${sorted[0]?.toFixed(3)} to ${sorted.at(-1)?.toFixed(3)})` }
}

interface Command {
  readonly name: string
  readonly args: readonly string[]
  /** Part of what a working command prints. */
  readonly prints: string
}

const RUN: Command = {
  name: 'run, one point',
  args: ['run', '--input', 'one.ndjson', '--results', 'out.ndjson'],
  prints: 'accepted 1',
}
/** The later ones read what the run has left in their folder. */
const AFTER_A_RUN: readonly Command[] = [
  { name: 'status', args: ['status'], prints: 'ended' },
  { name: 'verify', args: ['verify', '--input', 'one.ndjson', '--results', 'out.ndjson'], prints: '1' },
  { name: '--help', args: ['--help'], prints: 'dead-letters' },
  { name: 'run --help', args: ['run', '--help'], prints: '--input' },
]
const POINT = { vmId: 'vm-1', metric: 'cpu', timestamp: Date.UTC(2026, 0, 1), seq: 0, value: 1 }

/** CPU seconds of the command. Throws if it fails, or if it does not print what it should. */
async function cpuOf({ checkout }: Side, { name, args, prints }: Command, folder: string): Promise<number> {
  const { stdout, cpuSeconds } = await measuredRun(args, { checkout, cwd: folder, isQuiet: true })
  if (!stdout.includes(prints)) throw new Error(`${name} printed:\n${stdout}`)
  return cpuSeconds
}

async function measureCommands(figures: Figures): Promise<void> {
  // The first round warms the file cache and is not counted.
  for (let round = 0; round <= runs; round++) {
    for (const side of sides) {
      const folder = mkdtempSync(join(tmpdir(), 'windrow-start-'))
      writeFileSync(join(folder, 'one.ndjson'), `${JSON.stringify(POINT)}\n`)
      for (const command of [RUN, ...AFTER_A_RUN]) {
        const cpu = await cpuOf(side, command, folder)
        if (round > 0) figures.add(command.name, side, cpu)
      }
      const results = readFileSync(join(folder, 'out.ndjson'), 'utf8').trim().split('\n')
      if (results.length !== 1 || !results[0]?.includes('"vm-1"')) throw new Error(`wrong results: ${results.join()}`)
      rmSync(folder, { recursive: true })
    }
  }
}

const STEP = /prepare: (\w+) ([\d.]+) s/g

/** Runs `npm start` in a clean clone, to its end. */
function startFromClone(side: Side): ReadonlyMap<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-clone-'))
  const clone = join(folder, 'windrow')
  execFileSync('git', ['clone', '--quiet', '--local', side.checkout, clone])
  const startedMs = performance.now()
  const output = execFileSync('npm', ['start'], { cwd: clone, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const seconds = (performance.now() - startedMs) / 1000
  if (!output.includes('manifests')) throw new Error(`npm start printed:\n${output}`)
  rmSync(folder, { recursive: true })
  const steps = new Map([...output.matchAll(STEP)].map(([, step = '', taken]) => [step, Number(taken)]))
  const rest = seconds - [...steps.values()].reduce((sum, one) => sum + one, 0)
  return new Map([...steps, ['demo and npm', rest], ['in all', seconds]])
}

const figures = new Figures()
if (values.clone) {
  for (let round = 0; round <= runs; round++) {
    for (const side of sides) {
      for (const [step, seconds] of startFromClone(side))
        if (round > 0) figures.add(`npm start: ${step}`, side, seconds)
    }
  }
} else {
  for (const { checkout } of sides) execFileSync(process.execPath, ['scripts/prepare.mjs'], { cwd: checkout })
  await measureCommands(figures)
}
console.log(
  `Node ${process.version}, ${values.clone ? 'seconds' : 'CPU seconds'}, median of ${runs} (lowest to highest)`,
)
figures.print()
