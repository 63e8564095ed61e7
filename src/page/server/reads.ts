/** The answers to GET requests, by route. Each is computed from one snapshot. */
import { windowsOf } from '../../core/window-policy.ts'
import type { AnyAggregator } from '../../core/aggregator.ts'
import { sourceTopicOf } from '../../app/status/topic-state.ts'
import type { JobAnswer, WindowAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { SampleSeries } from '../snapshot/series.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'
import type { WorkflowWatch } from '../snapshot/workflows.ts'
import { lettersAnswer } from '../views/dead-letters.ts'
import { heatAnswer } from '../views/heat.ts'
import { openAnswer } from '../views/open-windows.ts'
import { indexStateOf } from '../views/index-state.ts'
import { vmAnswer, vmsAnswer } from '../views/vms.ts'
import { windowAnswer } from '../views/window.ts'
import { windowsAnswer } from '../views/closed-windows.ts'
import { flagIn, oneOfTexts, partitionIn, textOr, textsIn, timesIn, whole, wholeOr, type Query } from './parameters.ts'
import { notFound } from './problem.ts'

/** What answers need besides the snapshot. */
export interface ReadContext {
  readonly boot: string
  readonly version: string
  readonly canAct: boolean
  /** Destinations in words. */
  readonly results: string
  readonly deadLetters: string
  /** The job's aggregator for provisional values; `null`: they are left out. */
  readonly aggregator: AnyAggregator | null
  readonly workflows: WorkflowWatch
  readonly series: SampleSeries
  /** Ids of the dead letters that were retried; `null`: the dead letters are where none can be retried from. */
  readonly retried: () => Promise<ReadonlySet<string> | null>
  readonly signal: AbortSignal
}

export interface ReadAnswer {
  /** Equal tags, equal answers: then the value need not be computed. `null`: the value's digest is the tag. */
  readonly tag: string | null
  value(): Promise<unknown>
}

type Params = Readonly<Record<string, string>>
type Read = (snapshot: Snapshot, published: PublishedIndex, params: Params, query: Query) => ReadAnswer

const DEFAULT_WINDOWS = 100
const MAX_LISTED = 1_000

export function createReads(context: ReadContext): Readonly<Record<string, Read>> {
  // While the results are being read, answers change within a snapshot.
  const tagOf = ({ id }: Snapshot, { isLoaded }: PublishedIndex): string | null => (isLoaded ? id : null)
  const ofSnapshot = (snapshot: Snapshot, published: PublishedIndex, value: () => unknown): ReadAnswer => ({
    tag: tagOf(snapshot, published),
    value: async () => value(),
  })
  return {
    '/v1/job': (snapshot, published) => ({
      tag: `${snapshot.id}-${published.state.state}-${published.state.done}`,
      value: async () => jobAnswer(context, snapshot, published),
    }),

    '/v1/status': ({ status }) => ({ tag: null, value: async () => status }),

    '/v1/windows': (snapshot, published, _params, query) => {
      const range = { ...timesIn(query), partition: partitionIn(query) }
      const limit = wholeOr(query, 'limit', DEFAULT_WINDOWS, 1, MAX_LISTED)
      return ofSnapshot(snapshot, published, () => windowsAnswer(snapshot, published, range, limit))
    },

    '/v1/windows/:partition/:start': (snapshot, published, params, query) => {
      const window = {
        partition: whole('partition', params['partition'], 0, 100_000),
        start: whole('start', params['start'], -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
        after: textOr(query, 'after', null),
        limit: wholeOr(query, 'limit', DEFAULT_WINDOWS, 1, MAX_LISTED),
        all: flagIn(query, 'all'),
      }
      return { tag: null, value: () => wholeWindow(context, snapshot, published, window) }
    },

    '/v1/heat': (snapshot, published, _params, query) => {
      const heat = {
        ...{ ...timesIn(query), partition: partitionIn(query) },
        by: oneOfTexts(query, 'by', ['partition', 'group', 'vm'], 'partition'),
        groups: wholeOr(query, 'groups', 64, 1, 500),
        after: textOr(query, 'after', null),
        limit: wholeOr(query, 'limit', 500, 1, 10_000),
        windows: wholeOr(query, 'windows', 96, 1, 1_000),
      }
      return ofSnapshot(snapshot, published, () => heatAnswer(snapshot, published, heat))
    },

    '/v1/open': (snapshot, published, _params, query) => {
      const limit = wholeOr(query, 'limit', 20, 0, MAX_LISTED)
      return ofSnapshot(snapshot, published, () => openAnswer(snapshot, limit))
    },

    '/v1/vms': (snapshot, published, _params, query) => {
      const list = {
        prefix: textOr(query, 'prefix', ''),
        after: textOr(query, 'after', null),
        limit: wholeOr(query, 'limit', 50, 1, MAX_LISTED),
      }
      return ofSnapshot(snapshot, published, () => vmsAnswer(snapshot, published, list))
    },

    '/v1/vms/:id/windows': (snapshot, published, params, query) => {
      const id = textOr(query, 'id', params['id'] ?? '')
      const range = { ...timesIn(query), limit: wholeOr(query, 'limit', 500, 1, 2_000) }
      const value = async () => {
        const answer = await vmAnswer(snapshot, published, id, range, context.aggregator)
        if (answer !== null) return answer
        throw notFound(
          'NO_SUCH_VM',
          `there is no VM ${JSON.stringify(id)} in the results`,
          'Search with /v1/vms?prefix=.',
        )
      }
      return { tag: tagOf(snapshot, published), value }
    },

    '/v1/series': () => ({ tag: null, value: async () => context.series.answer() }),

    '/v1/dead-letters': (snapshot, published, _params, query) => {
      const letters = {
        ...{ reasons: textsIn(query, 'reason'), partition: partitionIn(query), after: textOr(query, 'after', null) },
        limit: wholeOr(query, 'limit', 50, 1, MAX_LISTED),
      }
      const value = async () => lettersAnswer(snapshot, published, letters, await context.retried())
      return { tag: null, value }
    },
  }
}

function jobAnswer(context: ReadContext, snapshot: Snapshot, published: PublishedIndex): JobAnswer {
  const { record, process, takenAtMs, id } = snapshot
  const { graceMs, deadlineMs } = record.rules
  const windows = windowsOf(record.rules)
  const { boot, version, canAct, results, deadLetters } = context
  return {
    ...{ snapshot: id, takenAtMs, boot, version, job: record.job, aggregator: record.aggregator },
    ...{
      windowMs: windows.usualMs,
      windows: windows.text,
      graceMs,
      deadlineMs,
      partitions: record.partitions,
      topic: sourceTopicOf(record),
    },
    ...{
      results,
      deadLetters,
      process,
      canAct,
      index: indexStateOf(snapshot, published, results),
      metrics: published.results.metrics,
    },
  }
}

async function wholeWindow(
  { workflows, signal }: ReadContext,
  snapshot: Snapshot,
  published: PublishedIndex,
  query: Parameters<typeof windowAnswer>[2],
): Promise<WindowAnswer> {
  const { partition, start } = query
  const sequence = published.certificates.ofWindow(partition, start)?.sequence ?? null
  const answer = await windowAnswer(snapshot, published, query)
  if (answer === null) {
    const detail = `partition ${partition} has no window ${start}, or its results were not read`
    throw notFound('NO_SUCH_WINDOW', detail, 'List the windows with /v1/windows and /v1/open.')
  }
  return { ...answer, workflows: await workflows.of(snapshot, partition, start, sequence, signal) }
}
