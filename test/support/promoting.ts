/** Replays a job in memory and requests the promotion of its results, as `windrow replay --promote` does. */
import { MemoryEngine } from './memory-engine.ts'
import { memorySink, MemoryResults } from './memory-publisher.ts'
import { MemorySource } from './memory-source.ts'
import { MemoryStore } from './memory-store.ts'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { SourceRecord } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { writePromotion } from '../../src/ledger/promotion.ts'
import { submitRequest, type PromoteRequest } from '../../src/ledger/requests.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { runPartition } from '../../src/pipeline/partition.ts'
import type { StateStore } from '../../src/ports/index.ts'
import { recordedIn } from '../../src/pipeline/recorded.ts'
import { LatestResults } from '../../src/replay/difference.ts'
import { differingVms, promotionRows, readReplayLedger } from '../../src/replay/promotion.ts'

export interface Replayed {
  readonly store: MemoryStore
  readonly results: MemoryResults
  readonly certificates: readonly Certificate[]
}

export interface LiveJob {
  readonly job: string
  readonly store: StateStore
  readonly results: { readonly results: readonly string[]; readonly certificates: readonly string[] }
}

/** Recomputes the windows of the certificates. */
export async function replayed(
  certificates: readonly string[],
  partitions: readonly (readonly SourceRecord[])[],
  rules: Windowing,
  aggregator: AnyAggregator,
  /** An earlier replay to continue. */
  before: Pick<Replayed, 'store' | 'results'> = { store: new MemoryStore(), results: new MemoryResults() },
): Promise<Replayed> {
  const { store, results } = before
  const all = certificates.map((line) => JSON.parse(line) as Certificate)
  let now = 0
  let tokens = 0
  for (const partition of partitions.keys()) {
    const own = all.filter((one) => one.partition === partition).sort((a, b) => a.sequence - b.sequence)
    const recorded = recordedIn(own)
    const upTo = (partitions[partition] ?? []).filter(({ offset }) => offset < recorded.until)
    const source = new MemorySource({
      partitions: partitions.map((_, i) => (i === partition ? upTo : [])),
      batchSize: () => 7,
    })
    await runPartition(
      {
        ...{ job: 'again', rules, aggregator, store, sinks: [memorySink(results)], source, once: true },
        engine: new MemoryEngine({ store, aggregator }),
        clock: { nowMs: () => now++, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
        newToken: () => `${String(all.length).padStart(5, 'a')}${String(++tokens).padStart(3, '0')}`,
        limits: DEFAULT_LIMITS,
        observe: () => undefined,
        recorded: () => recorded,
      },
      partition,
      new AbortController().signal,
      () => Promise.resolve(0),
    )
  }
  return { store, results, certificates: all }
}

/** Submits the requests to the owners; returns their ids by partition. */
export async function askToPromote(
  { job, store, results }: LiveJob,
  { store: shadow, results: again, certificates }: Replayed,
  id = 'p1',
  /** Promotes only one VM, the first from `vmId` on; `seen` is the certificate of an earlier request. */
  one: { readonly vmId: string; readonly seen?: number } | null = null,
): Promise<ReadonlyMap<number, string>> {
  const windows = new Set(certificates.flatMap(({ window }) => (window === null ? [] : [window.start])))
  const live = latestOf(results.results, windows)
  const { vms } = differingVms(live, latestOf(again.results, windows))
  const asked = new Map<number, string>()
  for (const partition of new Set(certificates.map((one) => one.partition))) {
    const own = certificates.filter((one) => one.partition === partition)
    const starts = own.flatMap(({ window }) => (window === null ? [] : [window.start]))
    const certificate = Math.max(...own.map(({ sequence }) => sequence))
    const window = Math.max(...starts)
    const ledger = await readReplayLedger(shadow, 'again', partition, window, new Set(vms.map(({ vmId }) => vmId)))
    if (ledger === null) continue
    const share = vms.filter(({ vmId }) => ledger.vmIds.has(vmId) && (one === null || vmId >= one.vmId))
    if (share.length === 0) continue
    const { rows } = await promotionRows(ledger, share, [], ...(one === null ? [] : [1]))
    const request: PromoteRequest = {
      ...{ kind: 'promote', id, replay: 'again', through: { certificate, window } },
      seen: one?.seen ?? certificate,
      ...{ rows: await writePromotion(store, job, partition, id, rows), who: 'ann', why: 'a fault', askedAtMs: 0 },
    }
    await submitRequest(store, job, partition, request)
    asked.set(partition, id)
  }
  return asked
}

function latestOf(lines: readonly string[], windows: ReadonlySet<number>): LatestResults {
  const latest = new LatestResults(windows)
  for (const line of lines) latest.add(line)
  return latest
}

/** The latest revision of every VM window, without the members that depend on how it was published. */
export function latestBare(lines: readonly string[]): Map<string, Omit<VmWindowResult, 'revision' | 'promoted'>> {
  const latest = new Map<string, VmWindowResult>()
  for (const line of lines) {
    const result = JSON.parse(line) as VmWindowResult
    const key = `${result.windowStart} ${result.vmId}`
    if ((latest.get(key)?.revision ?? 0) < result.revision) latest.set(key, result)
  }
  return new Map(
    [...latest].sort().map(([key, { revision: _revision, promoted: _promoted, ...result }]) => [key, result]),
  )
}
