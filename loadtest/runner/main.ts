/** `npm run loadtest -- SCENARIO`: starts what it needs, prints a summary, writes an HTML report. */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startBroker } from '../../src/stack/index.ts'
import { messageOf } from '../../src/errors.ts'
import { provideK6, SCENARIOS_FOLDER } from './k6.ts'
import { reportHtml } from './report.ts'
import { runScenario, type Outcome } from './scenario.ts'

const scenarios = readdirSync(SCENARIOS_FOLDER).map((name) => name.replace(/\.ts$/, ''))
const USAGE = `usage: npm run loadtest -- SCENARIO [flags]
scenarios: ${scenarios.join(', ')}

  --seconds N       how long k6 sends (each scenario has its own)
  --rate N          requests a second of spike and soak, 100 points each (20)
  --most N          requests a second at which ramp ends (1000)
  --brokers LIST    a Kafka that is there; without it one is started and removed
  --port-base N     first of three ports: gateway, broker, controller (21000)
  --report FILE     where the HTML report goes (loadtest-SCENARIO.html)
  --keep            keep all files of the test, and say where they are
  -h, --help        this help

Example: npm run loadtest -- steady --seconds 30
`

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function main(): Promise<number> {
  const options = readOptions()
  if (options === null) return 2
  const { scenario, values } = options
  if (values.help === true) return (say(USAGE), 0)
  const folder = await mkdtemp(join(tmpdir(), 'windrow-loadtest-'))
  const portBase = Number(values['port-base'])
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const k6 = await provideK6(join(folder, 'k6-build.log'), () => say('builds k6 (once a machine, a minute or two)'))
  if (values.brokers === undefined) say('starts Kafka')
  const broker =
    values.brokers === undefined
      ? await startBroker({ dataDir: join(folder, 'kafka'), port: portBase + 1, controllerPort: portBase + 2 })
      : null
  try {
    const outcome = await runScenario({
      ...{ scenario, k6, folder, gatewayPort: portBase, brokers: broker?.address ?? (values.brokers as string) },
      env: scriptEnv(values),
      signal: stop.signal,
      onStep: say,
    })
    const report = resolve(values.report ?? `loadtest-${scenario}.html`)
    await writeFile(report, reportHtml(outcome))
    say(summaryText(outcome))
    say(`report     ${report}`)
    return outcome.hasPassed ? 0 : 1
  } finally {
    await broker?.stop()
    if (values.keep === true) say(`files      ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
}

type Flags = ReturnType<typeof parse>['values']

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      ...{
        seconds: { type: 'string' },
        rate: { type: 'string' },
        most: { type: 'string' },
        brokers: { type: 'string' },
      },
      ...{ report: { type: 'string' }, keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      'port-base': { type: 'string', default: '21000' },
    },
  })
}

/** `null` after everything that is wrong was said. */
function readOptions(): { readonly scenario: string; readonly values: Flags } | null {
  try {
    const { values, positionals } = parse()
    const [scenario = '', ...more] = positionals
    if (values.help === true) return { scenario, values }
    const problems = (['seconds', 'rate', 'most', 'port-base'] as const)
      .filter((name) => values[name] !== undefined && !/^[1-9]\d{0,5}$/.test(values[name]))
      .map((name) => `--${name}: ${JSON.stringify(values[name])} is not a whole number above 0`)
    if (!scenarios.includes(scenario))
      problems.push(scenario === '' ? 'no scenario' : `there is no scenario ${scenario}`)
    if (more.length > 0) problems.push(`one scenario at a time, not ${more.join(', ')} too`)
    if (problems.length === 0) return { scenario, values }
    process.stderr.write(`loadtest: ${problems.join('\nloadtest: ')}\n\n${USAGE}`)
  } catch (error) {
    process.stderr.write(`loadtest: ${messageOf(error)}\n\n${USAGE}`)
  }
  return null
}

function scriptEnv({ seconds, rate, most }: Flags): Record<string, string> {
  return {
    ...(seconds === undefined ? {} : { SECONDS: seconds }),
    ...(rate === undefined ? {} : { RATE: rate }),
    ...(most === undefined ? {} : { MOST: most }),
  }
}

function summaryText({ figures, thresholds, verdict, hasPassed }: Outcome): string {
  const n = (value: number): string => Math.round(value).toLocaleString('en-US')
  const answers = Object.entries(figures.byStatus).map(([status, count]) => `${status} ${n(count)}`)
  const failed = thresholds.filter(({ ok }) => !ok).map(({ metric, rule }) => `${metric} ${rule}`)
  return [
    '',
    `acknowledged  ${n(figures.points)} points in ${figures.seconds.toFixed(1)} s: ${n(figures.pointsPerSecond)}/s, at best ${n(figures.mostPointsPerSecond)}/s`,
    `answers       ${answers.join(', ')}`,
    `latency       p50 ${n(figures.p50)} ms, p95 ${n(figures.p95)} ms, p99 ${n(figures.p99)} ms, max ${n(figures.max)} ms`,
    `thresholds    ${failed.length === 0 ? 'all hold' : `do not hold: ${failed.join('; ')}`}`,
    `results       ${n(verdict.points)} acknowledged points in ${n(verdict.vmWindows)} VM windows, each once; ${n(verdict.unacknowledged)} more whose answer got lost; ${n(verdict.duplicates)} copies told apart`,
    ...verdict.problems.map((problem) => `WRONG         ${problem}`),
    hasPassed ? 'passed' : 'FAILED',
  ].join('\n')
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`loadtest: ${messageOf(error)}\n`)
  process.exitCode = 1
}
