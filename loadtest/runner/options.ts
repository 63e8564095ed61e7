/** Parses the options of `npm run loadtest --` and reports all problems at once. Pure. */
import { parseArgs } from 'node:util'
import { closest } from '../../src/config/closest.ts'
import { messageOf } from '../../src/errors/index.ts'

export interface LoadTestOptions {
  readonly scenario: string
  /** Passed to the script. */
  readonly env: Readonly<Record<string, string>>
  /** `null`: a broker is started. */
  readonly brokers: string | null
  readonly portBase: number
  /** `null`: the default name, from the scenario. */
  readonly report: string | null
  readonly keep: boolean
}

export type Read =
  | { readonly kind: 'options'; readonly options: LoadTestOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }

const FLAGS = {
  seconds: { type: 'string' },
  minutes: { type: 'string' },
  rate: { type: 'string' },
  most: { type: 'string' },
  brokers: { type: 'string' },
  'port-base': { type: 'string', default: '21000' },
  report: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Flags that only some scenarios support. */
const FOR_SOME: Readonly<Record<'rate' | 'most', readonly string[]>> = { rate: ['spike', 'soak'], most: ['ramp'] }
const WHOLE = ['seconds', 'minutes', 'rate', 'most', 'port-base'] as const
const MAX_PORT_BASE = 65_533

export function usageText(scenarios: readonly string[]): string {
  return `usage: npm run loadtest -- SCENARIO [flags]
scenarios: ${scenarios.join(', ')}

  --seconds N       how long k6 sends (each scenario has its own)
  --minutes N       how long k6 sends, in minutes
  --rate N          requests per second of spike and soak, 100 points each (20)
  --most N          requests per second at which ramp ends (4000)
  --brokers LIST    an existing Kafka; without it the test starts and removes one
  --port-base N     first of three ports: gateway, broker, controller (21000)
  --report FILE     path of the HTML report (loadtest-SCENARIO.html)
  --keep            keep all files of the test and print their folder (as after a failure)
  -h, --help        this help

Example: npm run loadtest -- steady --seconds 30
`
}

export function readOptions(args: readonly string[], scenarios: readonly string[]): Read {
  const { values, positionals, problems } = parse(args)
  if (values['help'] === true) return { kind: 'help' }
  const [scenario, ...more] = positionals
  if (scenario === undefined) problems.push(`no scenario is given: one of ${scenarios.join(', ')}`)
  else if (!scenarios.includes(scenario)) problems.push(`there is no scenario ${scenario}${meant(scenario, scenarios)}`)
  if (more.length > 0) problems.push(`one scenario at a time, not ${more.join(', ')} too`)
  const text = (name: keyof typeof FLAGS): string | null => {
    const value = values[name]
    return typeof value === 'string' ? value : null
  }
  for (const name of WHOLE) {
    const value = text(name)
    if (value !== null && !/^[1-9]\d{0,5}$/.test(value))
      problems.push(`--${name}: ${JSON.stringify(value)} is not a whole number above 0`)
  }
  const portBase = Number(text('port-base'))
  if (portBase > MAX_PORT_BASE) problems.push(`--port-base: ${portBase} leaves no room for three ports`)
  if (text('seconds') !== null && text('minutes') !== null) problems.push('--seconds and --minutes: give one of them')
  for (const [name, heeding] of Object.entries(FOR_SOME) as ['rate' | 'most', readonly string[]][]) {
    if (text(name) !== null && scenario !== undefined && scenarios.includes(scenario) && !heeding.includes(scenario))
      problems.push(`--${name} does not apply to ${scenario}: it is for ${heeding.join(' and ')}`)
  }
  if (problems.length > 0 || scenario === undefined) return { kind: 'wrong', problems }
  const minutes = text('minutes')
  const seconds = minutes === null ? text('seconds') : String(Number(minutes) * 60)
  const env = Object.entries({ SECONDS: seconds, RATE: text('rate'), MOST: text('most') })
  return {
    kind: 'options',
    options: {
      ...{ scenario, portBase, brokers: text('brokers'), report: text('report'), keep: values['keep'] === true },
      env: Object.fromEntries(env.filter((entry): entry is [string, string] => entry[1] !== null)),
    },
  }
}

interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: readonly string[]
  readonly problems: string[]
}

/** Parses leniently, so that one mistake does not hide others. */
function parse(args: readonly string[]): Parsed {
  const problems: string[] = []
  const known = (name: string): boolean => Object.hasOwn(FLAGS, name)
  const { tokens } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'option' && !known(token.name)) {
      const names = Object.keys(FLAGS).map((name) => `--${name}`)
      problems.push(`there is no flag ${token.rawName}${meant(token.rawName, names)}`)
    }
  }
  // The value of an unknown flag looks like a scenario.
  if (problems.length > 0)
    return { values: lenient(args).values, positionals: firstOf(lenient(args).positionals), problems }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true })
    return { values, positionals, problems }
  } catch (error) {
    // A missing value, or a superfluous one.
    return { values: lenient(args).values, positionals: lenient(args).positionals, problems: [messageOf(error)] }
  }
}

function lenient(args: readonly string[]): Omit<Parsed, 'problems'> {
  return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true, strict: false })
}

const firstOf = (positionals: readonly string[]): readonly string[] => positionals.slice(0, 1)

function meant(word: string, candidates: readonly string[]): string {
  const found = closest(word, candidates)
  return found === null ? '' : `; did you mean ${found}?`
}
