/**
 * Serves the page of a job: opens the reader, the indexes and the server, and listens until the signal aborts.
 *
 *   answers.ts   types of all answers: the contract with the page in the browser
 *   loopback.ts  whether only this machine can connect
 *   assets.ts    static files of the page; client/: their sources
 *   snapshot/    the state of the job as of one moment, again and again
 *   results/     what the job has published, indexed
 *   views/       answers, computed from both
 *   server/      HTTP: routes, events, orders
 *   serve.ts     this file: composes them
 */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { openDeadLetters } from '../app/dead-letters/dead-letters.ts'
import { loadAggregator } from '../app/load-aggregator.ts'
import type { Config } from '../config/settings.ts'
import { partitionOf } from '../core/murmur2.ts'
import { WindrowError } from '../errors/index.ts'
import type { Client } from '../gateway/tokens.ts'
import { systemClock as clock } from '../retry/clock.ts'
import { tableSettingOf } from '../sinks/postgres/setting.ts'
import { destinationOf } from '../sinks/registry.ts'
import { PAGE_POLICY, readPageAssets } from './assets.ts'
import { isLoopbackHost } from './loopback.ts'
import { openFeeds } from './results/open-feeds.ts'
import { PublishedIndex } from './results/published.ts'
import { EventStream } from './server/event-stream.ts'
import { closeWindow, retryLetter } from './server/orders.ts'
import { createPageServer } from './server/server.ts'
import { createJobReader, type JobReader, type JobState } from './snapshot/job-reader.ts'
import { SampleSeries } from './snapshot/series.ts'
import { Snapshots } from './snapshot/snapshots.ts'
import { WorkflowWatch } from './snapshot/workflows.ts'
import { indexStateOf } from './views/index-state.ts'

export interface PageRequest {
  readonly config: Config
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** `null`: the page changes nothing. */
  readonly clients: readonly Client[] | null
  readonly version: string
  /** Whether the process that started this one runs the job at the moment. */
  readonly isOwnRun: () => boolean
}

export interface PageObserver {
  /** The server accepts connections. */
  listening(url: string): void
  /** Results cannot be read, or are not where they were looked for: what to do. Called once per problem. */
  resultsMissing(text: string): void
  /** An order was carried out. */
  ordered(text: string): void
  /** A request failed unexpectedly. */
  fault(error: unknown): void
}

export type ServePage = (request: PageRequest, observer: PageObserver, signal: AbortSignal) => Promise<void>

export const servePage: ServePage = async (request, observer, signal) => {
  const { config, host, port, clients, version, isOwnRun } = request
  const files = await readPageAssets()
  const aggregator = await loadAggregator(config.aggregator)
  // Ends everything here if listening fails, although the caller's signal does not abort.
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  const jobReader = createJobReader(config, isOwnRun)
  let newest: JobState | null = null
  const reader: JobReader = { ...jobReader, read: async (aborted) => (newest = await jobReader.read(aborted)) }
  const events = new EventStream()
  const workflows = new WorkflowWatch(reader)
  const series = new SampleSeries()
  const results = config.results.map(destinationOf).join(', ')
  let reported: string | null = null
  const snapshots: Snapshots = new Snapshots({
    ...{ reader, clock, isWatched: () => events.size > 0 },
    openPublished: async (state) =>
      new PublishedIndex(await openFeeds(config), (vmId) => partitionOfVm(newest ?? state, vmId)),
    async onSnapshot(snapshot, published, isNew) {
      series.add(snapshot, await workflows.observe(snapshot, stop))
      const { problem } = indexStateOf(snapshot, published, results)
      if (problem !== null && problem !== reported) observer.resultsMissing(problem)
      reported = problem
      if (isNew) events.publish(published.certificates, snapshot.id)
    },
    onProblem: (problem) => events.problem(problem),
  })
  const app = createPageServer({
    ...{ snapshots, events, clients, files, policy: PAGE_POLICY, isLoopback: isLoopbackHost(host), signal: stop },
    ...{ boot: randomBytes(4).toString('hex'), version, aggregator, workflows, series },
    results,
    deadLetters: destinationOf(config.deadLetters),
    retried: () => retriedOf(config),
    retry: (published, id, body, by) => retryLetter(config, published, id, body, by),
    close: (partition, start, by) => closeWindow(config, isOwnRun() ? 'attach' : 'open', partition, start, by, stop),
    onOrder: (text) => observer.ordered(text),
    onFault: (error) => observer.fault(error),
  })
  try {
    await listen(app, host, port)
    const { port: actual } = app.server.address() as AddressInfo
    observer.listening(`http://${host.includes(':') ? `[${host}]` : host}:${actual}`)
    await snapshots.run(stop)
  } finally {
    ended.abort()
    events.close()
    await app.close()
    await snapshots.close()
    await reader.close()
  }
}

async function listen(app: ReturnType<typeof createPageServer>, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    throw new WindrowError(`cannot listen on ${host}:${port}: ${message}`, {
      remedy: 'Give another --host or --port.',
      code: code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'CANNOT_LISTEN',
      cause: error,
    })
  }
}

/**
 * The partition of the job that has the VM's records. In files Windrow chooses it by VM; in a topic the producers do, and not all
 * of them use the same partitioner.
 */
function partitionOfVm({ record, stored }: JobState, vmId: string): number {
  const usual = partitionOf(vmId, record.partitions)
  if (stored[usual]?.view?.state.clock.has(vmId) === true) return usual
  const found = stored.findIndex(({ view }) => view?.state.clock.has(vmId) === true)
  return found < 0 ? usual : found
}

/** `null`: nothing can be sent again from there. */
async function retriedOf(config: Config): Promise<ReadonlySet<string> | null> {
  if (tableSettingOf(config.deadLetters) !== null) return null
  const store = await openDeadLetters(config)
  try {
    return await store.retried()
  } finally {
    await store.close()
  }
}
