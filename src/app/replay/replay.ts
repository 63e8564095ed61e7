/**
 * `windrow replay`: recomputes the closed windows of a job in a separate job (the shadow), also while the first one runs,
 * and compares the results.
 *
 *   replay/published.ts   reads certificates and results of the other job
 *   replay/range.ts       selects what is replayed and compared
 *   replay/difference.ts  compares results
 *   pipeline/recorded.ts  repeats the job's closes as its certificates record them
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConfiguredInput, runJobWith } from '../run/run.ts'
import type { RunObserver } from '../types.ts'
import type { Config } from '../../config/settings.ts'
import type { Certificate } from '../../core/certificate.ts'
import type { AnyAggregator } from '../../core/aggregator.ts'
import { loadAggregator } from '../load-aggregator.ts'
import { WindrowError } from '../../errors/index.ts'
import { recordedIn, type Recorded } from '../../pipeline/recorded.ts'
import { beginningOf } from '../../replay/beginning.ts'
import { compareCertificates } from '../../replay/certificates.ts'
import { LatestResults, type ReplayDifference } from '../../replay/difference.ts'
import { openOutputs, openPublished, type Published } from '../../replay/published.ts'
import { fileSetting } from '../../sinks/files/setting.ts'
import { companionsOf } from '../../sinks/outputs.ts'
import { touchedBy } from '../../workflows/activities/decide-promotion.ts'
import type { Input } from '../run/input.ts'
import { promote, type PromoteOrder, type PromotionReport } from './promote.ts'
import { selectRange, type ReplayRange, type ReplaySelection } from '../../replay/range.ts'

export interface ReplayOrder {
  /** Name of the shadow job. */
  readonly into: string
  readonly range: ReplayRange
  /** Leaves neither state nor results. */
  readonly isDry: boolean
  /** `null`: the job stays as it is, whatever differs. */
  readonly promote: PromoteOrder | null
}

export interface ReplayReport {
  readonly job: string
  readonly into: string
  /** Where the results of the replay are; `null` after a dry run. */
  readonly results: string | null
  readonly windows: number
  readonly records: number
  readonly seconds: number
  /** Certificates in the range, and how many of them the replay came to as well, digest by digest. */
  readonly certificates: { readonly compared: number; readonly equal: number }
  readonly difference: ReplayDifference
  /** `null`: nothing was to be promoted. */
  readonly promotion: PromotionReport | null
}

export type ReplayJob = (
  config: Config,
  order: ReplayOrder,
  observer: RunObserver,
  signal: AbortSignal,
) => Promise<ReplayReport>

export const replayJob: ReplayJob = async (config, order, observer, signal) =>
  replayJobWith(await loadAggregator(config.aggregator), config, order, observer, signal)

/** With the aggregator that the job runs with. */
export async function replayJobWith(
  aggregator: AnyAggregator,
  config: Config,
  order: ReplayOrder,
  observer: RunObserver,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const published = await openPublished(config)
  const folder = order.isDry
    ? await mkdtemp(join(tmpdir(), 'windrow-replay-'))
    : join(config.dataDir, 'replays', order.into)
  try {
    const selection = selectRange(published.certificates, order.range)
    if (selection.windows.size === 0) throw nothingInRange(config)
    const shadow = shadowOf(config, order, folder)
    const run = await recompute(aggregator, shadow, selection, observer, signal)
    if (signal.aborted) throw stopped()
    const compared = await compare(published, config, shadow, selection)
    const promotion = order.promote && (await promote(config, shadow, selection, order.promote, signal))
    return {
      ...{ job: config.job, into: order.into, results: order.isDry ? null : join(folder, RESULTS) },
      ...{ windows: selection.windows.size, records: recordsOf(selection), seconds: run.seconds },
      ...compared,
      promotion,
    }
  } finally {
    await published.close()
    if (order.isDry) await rm(folder, { recursive: true, force: true })
  }
}

/** The file of the shadow job's results, in its data folder. */
const RESULTS = 'results.ndjson'

/** The other job's settings, with a name, a state and outputs of its own. */
function shadowOf(config: Config, { into, isDry }: ReplayOrder, dataDir: string): Config {
  const results = fileSetting(join(dataDir, RESULTS))
  const outputs = { results: [results], ...companionsOf([results], { job: into, dataDir }) }
  return {
    ...config,
    ...{ job: into, dataDir, once: true, failOnDeadLetters: false },
    ...outputs,
    // What a dry run leaves on a daprd would stay there.
    sidecar: isDry ? 'embedded' : config.sidecar,
    // Ports are the other job's.
    ...{ healthPort: null, metricsPort: null, otlpEndpoint: null },
  }
}

function recompute(
  aggregator: AnyAggregator,
  shadow: Config,
  { replayed }: ReplaySelection,
  observer: RunObserver,
  signal: AbortSignal,
): ReturnType<typeof runJobWith> {
  const recorded = new Map<number, Recorded>()
  for (const [partition, certificates] of replayed) recorded.set(partition, recordedIn(certificates))
  const of = (partition: number): Recorded => recorded.get(partition) ?? recordedIn([])
  const available = recordsOf({ replayed })
  const counting: RunObserver = {
    progress: (snapshot) => observer.progress({ ...snapshot, available }),
    event: (event) => observer.event(event),
  }
  return runJobWith(aggregator, shadow, counting, signal, async (config, hooks) => {
    const input = await openConfiguredInput(config, { ...hooks, until: (partition) => of(partition).until })
    // Where the log ends is not where this ends.
    const { logRanges: _, ...rest } = input
    const drive: Input['drive'] = (run, store, both) =>
      input.drive(
        (partition, stop, firstOffset) =>
          run(partition, stop, async () =>
            beginningOf(replayed.get(partition)?.[0] ?? null, await firstOffset(), shadow.topic),
          ),
        store,
        both,
      )
    return { ...rest, drive, recorded: of }
  })
}

/** Records up to the cuts at which the last windows closed, over all partitions. */
function recordsOf({ replayed }: Pick<ReplaySelection, 'replayed'>): number {
  let records = 0
  for (const certificates of replayed.values()) records += certificates.at(-1)?.counts.consumed ?? 0
  return records
}

async function compare(
  published: Published,
  config: Config,
  shadow: Config,
  selection: ReplaySelection,
): Promise<Pick<ReplayReport, 'certificates' | 'difference'>> {
  const windows = new Set(selection.windows)
  // Results of windows that closed since the replay may be among those read now, but were not replayed. Leave them out.
  for (const { first, last } of await closedSince(config, published.certificates)) {
    for (const start of windows) if (first <= start && start <= last) windows.delete(start)
  }
  const live = new LatestResults(windows)
  for await (const line of published.results()) live.add(line)
  const replay = new LatestResults(windows)
  const recomputed = await openOutputs(shadow, 'windrow-replay')
  for await (const line of recomputed.results()) replay.add(line)
  const replayed: Certificate[] = []
  for await (const line of recomputed.certificates()) replayed.push(JSON.parse(line) as Certificate)
  await recomputed.close()
  const certificates = compareCertificates([...selection.replayed.values()].flat(), replayed, windows)
  return { certificates, difference: live.differenceFrom(replay) }
}

/** Windows that some partition has closed, amended or promoted since these certificates were read. */
async function closedSince(
  config: Config,
  before: readonly Certificate[],
): Promise<{ readonly first: number; readonly last: number }[]> {
  const known = new Set(before.map((one) => `${one.partition} ${one.sequence}`))
  const now = await openPublished(config)
  try {
    return now.certificates
      .filter((one) => !known.has(`${one.partition} ${one.sequence}`))
      .flatMap((one) => [
        ...(one.window === null ? [] : [{ first: one.window.start, last: one.window.start }]),
        ...touchedBy(one),
      ])
  } finally {
    await now.close()
  }
}

function nothingInRange({ job }: Config): WindrowError {
  return new WindrowError(`job ${job} has closed no window in the range`, { code: 'NOTHING_IN_RANGE' })
}

function stopped(): WindrowError {
  return new WindrowError('stopped before the end of the range', {
    code: 'STOPPED',
    remedy: 'Run the same command again: it resumes where it stopped (a dry run starts from the beginning).',
  })
}
