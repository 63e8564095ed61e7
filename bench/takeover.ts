/**
 * Measures how long a partition has no results when its processor dies. One of two processors is killed with SIGKILL; the
 * time ends when the survivor has published its first result of a partition of the killed one. Most of it is the session
 * timeout, after which Kafka reassigns the partition; the rest is the takeover.
 *
 *   npm run bench -- takeover [--points 10000000 --vms 200 --port-base 18000 --figures FILE.json]
 *
 * All points are in one window of a day that is still open at the kill, so the state of the dead processor is in its
 * checkpoints, and the survivor resumes from there. The manifests that close the window are sent after the kill. The
 * difference between a run with few points and one with many is the cost of a long window.
 *
 *   takeover/day.ts   the topic      takeover/processor.ts   a processor and its log lines
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { startStack, type Stack } from '../src/dev/stack/index.ts'
import { DayTopic, PARTITIONS } from './takeover/day.ts'
import { startProcessor, type ProcessorLine, type TakeoverProcessor } from './takeover/processor.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '10000000' },
    vms: { type: 'string', default: '200' },
    'port-base': { type: 'string', default: '18000' },
    /** File to which the figures are appended. */
    figures: { type: 'string' },
  },
})
/** The session timeout of the consumer group, src/adapters/kafka/consumption.ts. */
const SESSION_TIMEOUT_SECONDS = 20
const FEW_POINTS = 20_000
const POLL_EVERY_MS = 100

interface Takeover {
  readonly command: string
  readonly points: number
  readonly sessionTimeoutSeconds: number
  /** From the kill to the survivor's first takeover of a partition of the dead processor. */
  readonly takenOverAfterSeconds: number
  /** From the kill to the survivor's first published result of such a partition. */
  readonly firstResultAfterSeconds: number
  /** Load average of the minute before the run. */
  readonly loadBefore: number
}

async function measure(stack: Stack, points: number): Promise<Takeover> {
  const day = new DayTopic(stack.description.addresses.kafka, `day${points}`, Number(values.vms), points)
  await day.create()
  const processors = await Promise.all(
    stack.description.daprds.map(({ ports }) => startProcessor(stack.description, day, ports.grpc)),
  )
  const [victim, survivor] = processors as [TakeoverProcessor, TakeoverProcessor]
  try {
    await day.fill()
    console.log(`${points} points are in the topic`)
    await until('all points to be folded, each by its owner', () => {
      const positions = day.ends.map((_, partition) => Math.max(...processors.map((one) => one.positionOf(partition))))
      return positions.every((position, partition) => position >= (day.ends[partition] ?? Infinity))
    })
    const ownedBy = (one: TakeoverProcessor): number[] =>
      day.ends.flatMap((_, partition) => {
        const others = processors.filter((other) => other !== one)
        const isOurs = others.every((other) => one.tookOverAtMs(partition) > other.tookOverAtMs(partition))
        return isOurs ? [partition] : []
      })
    await until('both to have partitions', () => processors.every((one) => ownedBy(one).length > 0))
    const orphans = new Set(ownedBy(victim))
    const loadBefore = loadavg()[0] as number
    const killedAtMs = Date.now()
    victim.child.kill('SIGKILL')
    await day.close()
    const isOfOrphan = ({ partition }: ProcessorLine): boolean => orphans.has(partition ?? -1)
    const takenOver = await lineAfter(survivor, killedAtMs, (line) => line.msg === 'taken-over' && isOfOrphan(line))
    const published = await lineAfter(
      survivor,
      killedAtMs,
      (line) => line.msg === 'published' && (line.results ?? 0) > 0 && isOfOrphan(line),
    )
    const after = (line: ProcessorLine): number => Math.round((Date.parse(line.time) - killedAtMs) / 10) / 100
    return {
      command: `npm run bench -- takeover ${process.argv.slice(2).join(' ')}`.trimEnd(),
      points,
      sessionTimeoutSeconds: SESSION_TIMEOUT_SECONDS,
      takenOverAfterSeconds: after(takenOver),
      firstResultAfterSeconds: after(published),
      loadBefore: Math.round(loadBefore * 10) / 10,
    }
  } finally {
    for (const { child } of processors) child.kill('SIGKILL')
  }
}

/** Waits for a condition; throws if a processor ends meanwhile. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let looks = 0; !isSo(); looks++) {
    if (looks % 100 === 99) console.log(`waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
  }
}

async function lineAfter(
  processor: TakeoverProcessor,
  ms: number,
  fits: (line: ProcessorLine) => boolean,
): Promise<ProcessorLine> {
  const find = (): ProcessorLine | undefined =>
    processor.lines.find((line) => Date.parse(line.time) >= ms && fits(line))
  await until('the survivor', () => find() !== undefined)
  return find() as ProcessorLine
}

async function keep(measured: readonly Takeover[], file: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]'
    throw error
  })
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify([...(JSON.parse(before) as Takeover[]), ...measured], null, 2)}\n`)
}

const dataDir = await mkdtemp(join(tmpdir(), 'windrow-takeover-'))
// PostgreSQL runs as another user if we are root.
await chmod(dataDir, 0o755)
let stack: Stack | null = null
try {
  stack = await startStack({ dataDir, portBase: Number(values['port-base']), daprds: 2 })
  const measured: Takeover[] = []
  for (const points of [FEW_POINTS, Number(values.points)]) {
    measured.push(await measure(stack, points))
    console.log(JSON.stringify(measured.at(-1)))
  }
  console.log(`${PARTITIONS} partitions, ${values.vms} VMs, one window of a day`)
  if (values.figures !== undefined) await keep(measured, values.figures)
} finally {
  await stack?.down({ purge: true })
  await rm(dataDir, { recursive: true, force: true })
}
