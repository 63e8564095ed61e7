/** `npm run loadtest -- SCENARIO`: starts everything it needs, prints a summary and writes an HTML report. */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBroker, type Broker } from '../../src/dev/stack/index.ts'
import { messageOf } from '../../src/errors/index.ts'
import { gatewayMemory, type CpuUsage } from './cpu.ts'
import { provideK6, SCENARIOS_FOLDER } from './k6.ts'
import { readOptions, usageText } from './options.ts'
import { reportHtml } from './report.ts'
import { runScenario, type Outcome } from './scenario.ts'

const scenarios = readdirSync(SCENARIOS_FOLDER).map((name) => name.replace(/\.ts$/, ''))

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(): Promise<number> {
  const read = readOptions(process.argv.slice(2), scenarios)
  if (read.kind === 'help') return (say(usageText(scenarios)), 0)
  if (read.kind === 'wrong') {
    process.stderr.write(`loadtest: ${read.problems.join('\nloadtest: ')}\n\n${usageText(scenarios)}`)
    return 2
  }
  const { scenario, env, brokers, portBase, ...options } = read.options
  const folder = await mkdtemp(join(tmpdir(), 'windrow-loadtest-'))
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  // Error messages name a log file, so keep the files if the test fails.
  let isKept = true
  let broker: Broker | null = null
  try {
    const k6 = await provideK6(join(folder, 'k6-build.log'), () =>
      say('building k6 (once per machine, takes a few minutes)'),
    )
    if (brokers === null) {
      say('starts Kafka')
      broker = await startBroker({ dataDir: join(folder, 'kafka'), port: portBase + 1, controllerPort: portBase + 2 })
    }
    const outcome = await runScenario({
      ...{ scenario, k6, folder, gatewayPort: portBase, brokers: broker?.address ?? (brokers as string) },
      ...(broker === null ? {} : { brokerPid: broker.pid }),
      env,
      signal: stop.signal,
      onStep: say,
    })
    const report = resolve(options.report ?? `loadtest-${scenario}.html`)
    await writeFile(report, reportHtml(outcome))
    say(summaryText(outcome))
    say(`report     ${report}`)
    isKept = options.keep || !outcome.hasPassed
    return outcome.hasPassed ? 0 : 1
  } finally {
    await broker?.stop()
    if (isKept) say(`files      ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
}

function summaryText({ figures, cpu, loadBefore, thresholds, endedBy, verdict, hasPassed }: Outcome): string {
  const n = (value: number): string => Math.round(value).toLocaleString('en-US')
  const answers = Object.entries(figures.byStatus).map(([status, count]) => `${status} ${n(count)}`)
  const failed = thresholds.filter(({ ok }) => !ok).map(({ metric, rule }) => `${metric} ${rule}`)
  return [
    '',
    `acknowledged  ${n(figures.points)} points in ${figures.seconds.toFixed(1)} s: ${n(figures.pointsPerSecond)}/s, at best ${n(figures.mostPointsPerSecond)}/s`,
    `answers       ${answers.join(', ')}`,
    `latency       p50 ${n(figures.p50)} ms, p95 ${n(figures.p95)} ms, p99 ${n(figures.p99)} ms, max ${n(figures.max)} ms`,
    `machine       ${cpuText(cpu, figures.seconds)}load average ${loadBefore.toFixed(1)} before`,
    ...endedBy.map(({ metric, rule }) => `ended by      ${metric}: ${rule} no longer holds`),
    `thresholds    ${failed.length === 0 ? 'all hold' : `do not hold: ${failed.join('; ')}`}`,
    `results       ${n(verdict.points)} acknowledged points in ${n(verdict.vmWindows)} VM windows, each once; ${n(verdict.unacknowledged)} more without a response; ${n(verdict.duplicates)} duplicates detected`,
    ...verdict.problems.map((problem) => `WRONG         ${problem}`),
    hasPassed ? 'passed' : 'FAILED',
  ].join('\n')
}

function cpuText(cpu: CpuUsage | null, seconds: number): string {
  if (cpu === null) return ''
  const used = Object.entries(cpu.total).map(([name, one]) => `${name} ${one.toFixed(1)}`)
  const { middle, end, most } = gatewayMemory(cpu)
  const memory = `gateway's memory ${Math.round(middle)} MiB half-way, ${Math.round(end)} at the end, ${Math.round(most)} at most`
  return `CPU seconds of ${Math.round(cpus().length * seconds)}: ${used.join(', ')}; ${memory}; `
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`loadtest: ${messageOf(error)}\n`)
  process.exitCode = 1
}
