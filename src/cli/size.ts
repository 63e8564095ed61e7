/** `windrow size`: computes the size of a deployment for a load, and writes it into a Kubernetes overlay. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durationText, parseDuration } from '../core/durations.ts'
import { ConfigurationError, WindrowError, messageOf, type ConfigurationProblem } from '../errors/index.ts'
import { sizeOf, type Demand } from '../dev/size/model.ts'
import { overlayText } from '../dev/size/overlay.ts'
import { sizingText } from '../dev/size/text.ts'
import type { CliCommand } from './command.ts'

interface Flags {
  readonly vms?: string
  readonly pointsPerSecond?: string
  readonly window?: string
  readonly grace?: string
  readonly closeWithin?: string
  readonly vmsPerWorkflow?: string
  readonly checkpointEvery?: string
  readonly retention?: string
  readonly partitions?: string
  readonly pricePerCoreHour?: string
  readonly write?: string
  readonly json?: true
}

const DEFAULTS = {
  window: '1h',
  grace: '5m',
  closeWithin: '10m',
  vmsPerWorkflow: '1',
  checkpointEvery: '200000',
  retention: '7d',
}

/** The default of `amendWindows`. It only affects the size of the state. */
const AMEND_WINDOWS = 3

export const sizeCommand: CliCommand = {
  name: 'size',
  example: {
    line: 'windrow size --vms 5000 --points-per-second 1000',
    does: 'required resources, and which limit comes first',
  },
  configure: (command) =>
    void command
      .option('--vms <number>', 'Number of VMs')
      .option('--points-per-second <number>', 'Points per second of all VMs')
      .option('--window <duration>', `Length of a window (${DEFAULTS.window})`)
      .option('--grace <duration>', `Grace period (${DEFAULTS.grace})`)
      .option('--close-within <duration>', `Time to close a whole window (${DEFAULTS.closeWithin})`)
      .option('--vms-per-workflow <number>', `VM windows per workflow (${DEFAULTS.vmsPerWorkflow})`)
      .option('--checkpoint-every <number>', `Records between checkpoints (${DEFAULTS.checkpointEvery})`)
      .option('--retention <duration>', `How long Kafka keeps points (${DEFAULTS.retention})`)
      .option('--partitions <number>', 'Partitions of an existing topic (computed)')
      .option('--price-per-core-hour <number>', 'Print the cost of a million points')
      .option('--write <folder>', 'Overlay folder to write the values to')
      .option('--json', 'Print the result as one JSON line'),
  async run(given, { stdout }) {
    const flags = given as Flags
    const { demand, price } = readFlags(flags)
    const sizing = sizeOf(demand)
    if (flags.write !== undefined) await writeOverlay(flags.write, overlayText(sizing, commandOf(flags)))
    stdout.write(flags.json ? `${JSON.stringify(sizing)}\n` : sizingText(sizing, price))
    return 0
  },
}

async function writeOverlay(folder: string, text: string): Promise<void> {
  try {
    await mkdir(join(folder, 'size'), { recursive: true })
    await writeFile(join(folder, 'size', 'kustomization.yaml'), text)
  } catch (cause) {
    throw new WindrowError(`the overlay in ${folder} cannot be written: ${messageOf(cause)}`, {
      code: 'NOT_WRITTEN',
      cause,
    })
  }
}

/** The command line that produces the same overlay. */
function commandOf(flags: Flags): string {
  const words = Object.entries(flags)
    .filter(([name]) => name !== 'json')
    .map(([name, value]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${String(value)}`)
  return ['windrow size', ...words].join(' ')
}

/** Throws a ConfigurationError that lists every problem. */
function readFlags(given: Flags): { demand: Demand; price: number | null } {
  const problems: ConfigurationProblem[] = []
  const flags = { ...DEFAULTS, ...given }
  const problem = (place: string, text: string, remedy: string): number => {
    problems.push({ place, problem: text, remedy })
    return Number.NaN
  }
  const number = (place: string, text: string | undefined, most: number): number => {
    if (text === undefined) return problem(place, 'is not given', `Give a whole number from 1 to ${most}.`)
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= 1 && value <= most) return value
    return problem(place, `${JSON.stringify(text)} is not a whole number from 1 to ${most}`, 'Give one.')
  }
  const duration = (place: string, text: string, leastMs: number): number => {
    const ms = parseDuration(text)
    if (ms !== null && ms >= leastMs) return ms
    const least = leastMs === 0 ? '' : ` of ${durationText(leastMs)} or more`
    return problem(place, `${JSON.stringify(text)} is not a duration${least}`, 'Give one such as 30s, 5m, 1h or 1d.')
  }
  const demand: Demand = {
    vms: number('--vms', flags.vms, 1e9),
    pointsPerSecond: number('--points-per-second', flags.pointsPerSecond, 1e9),
    windowMs: duration('--window', flags.window, 1000),
    graceMs: duration('--grace', flags.grace, 0),
    closeWithinMs: duration('--close-within', flags.closeWithin, 1000),
    vmsPerWorkflow: number('--vms-per-workflow', flags.vmsPerWorkflow, 1000),
    checkpointEvery: number('--checkpoint-every', flags.checkpointEvery, 1e9),
    amendWindows: AMEND_WINDOWS,
    topicRetentionMs: duration('--retention', flags.retention, 1000),
    partitions: flags.partitions === undefined ? null : number('--partitions', flags.partitions, 100_000),
  }
  const { pricePerCoreHour } = flags
  const price = pricePerCoreHour === undefined ? null : Number(pricePerCoreHour)
  if (price !== null && !(price > 0 && price < 1e6)) {
    problem('--price-per-core-hour', `${JSON.stringify(pricePerCoreHour)} is not a price`, 'Give a number above 0.')
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  return { demand, price }
}
