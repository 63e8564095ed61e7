/**
 * `windrow replay --promote`: requests the owners of a job's partitions to publish what a replay found (decision 0013). It
 * re-reads and compares the published results right before the request, so that little can change in between.
 */
import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/settings.ts'
import type { Certificate } from '../../core/certificate.ts'
import { partitionOf } from '../../core/murmur2.ts'
import type { EpochMs } from '../../core/point.ts'
import { promotionKeys, writePromotion, type RefusedVm } from '../../ledger/promotion.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import { LatestResults } from '../../replay/difference.ts'
import {
  differingVms,
  promotionRows,
  readReplayLedger,
  type DifferingVm,
  type ReplayLedger,
} from '../../replay/promotion.ts'
import { openOutputs, openPublished } from '../../replay/published.ts'
import type { ReplaySelection } from '../../replay/range.ts'
import { touchedBy } from '../../workflows/activities/decide-promotion.ts'
import { askAndWait, type Patience } from '../ask.ts'
import { jobIn, withJobStore, type JobStore } from '../job-store.ts'

export interface PromoteOrder extends Patience {
  readonly who: string
  readonly why: string
}

export interface PromotionReport {
  /** Results that were published as the replay has them, and those of later windows that followed. */
  readonly promoted: number
  readonly following: number
  /** VMs that stay as they are, and why; the first of them. */
  readonly refused: { readonly count: number; readonly first: readonly (RefusedVm & { readonly partition: number })[] }
  /** Results that only the live job has: a result cannot be taken back. */
  readonly onlyLive: number
  readonly partitions: readonly PartitionPromotion[]
}

export interface PartitionPromotion {
  readonly partition: number
  /** Sequences of the certificates, in order. */
  readonly certificates: readonly number[]
  /** `done`, or what became of the last request where it was not. */
  readonly outcome: 'done' | 'unreadable' | 'no-owner' | 'left' | 'under-way'
}

interface Asking {
  readonly config: Config
  readonly replay: string
  readonly order: PromoteOrder
  readonly signal: AbortSignal
}

/** Promotes the results of a replay. `shadow` are the settings of the replay, which must have ended. */
export async function promote(
  config: Config,
  shadow: Config,
  selection: ReplaySelection,
  order: PromoteOrder,
  signal: AbortSignal,
): Promise<PromotionReport> {
  const compared = await compareAgain(config, shadow, selection)
  const { vms, onlyLive } = differingVms(compared.live, compared.replay)
  const refused: (RefusedVm & { partition: number })[] = []
  const totals = { promoted: 0, following: 0, refused: 0 }
  const partitions: PartitionPromotion[] = []
  if (vms.length > 0) {
    // Open the shadow's store first: on the embedded sidecar it is a separate folder, which no process locks any more.
    await withJobStore(shadow, signal, (replayed) =>
      withJobStore(config, signal, async (opened) => {
        const asking = { config, replay: shadow.job, order, signal }
        for (const share of await sharesOf(vms, replayed, opened, selection, asking)) {
          const touched = touchedSince(compared.certificates, share)
          const ended = await promoteShare(share, touched, opened, asking)
          for (const one of ended.answers) {
            totals.promoted += one.vmWindows
            totals.following += one.following
            totals.refused += one.refused.count
            refused.push(...one.refused.first.map((vm) => ({ partition: share.partition, ...vm })))
          }
          partitions.push({
            partition: share.partition,
            certificates: ended.answers.flatMap(({ certificate }) => (certificate === null ? [] : [certificate])),
            outcome: ended.outcome,
          })
        }
      }),
    )
  }
  const { promoted, following } = totals
  return {
    ...{ promoted, following, onlyLive: onlyLive.length, partitions },
    refused: { count: totals.refused, first: refused },
  }
}

async function compareAgain(
  config: Config,
  shadow: Config,
  { windows }: ReplaySelection,
): Promise<{ live: LatestResults; replay: LatestResults; certificates: readonly Certificate[] }> {
  // Read certificates before results: results that are published in between are then newer and are refused.
  const published = await openPublished(config)
  try {
    const live = new LatestResults(windows)
    for await (const line of published.results()) live.add(line)
    const replay = new LatestResults(windows)
    const recomputed = await openOutputs(shadow, 'windrow-replay')
    for await (const line of recomputed.results()) replay.add(line)
    await recomputed.close()
    return { live, replay, certificates: published.certificates }
  } finally {
    await published.close()
  }
}

/** The part of a promotion that belongs to one partition. */
interface Share {
  readonly partition: number
  readonly vms: readonly DifferingVm[]
  readonly ledger: ReplayLedger
  readonly through: PromoteRequest['through']
}

/**
 * A VM that no ledger of the replay knows any more has neither state nor remembered windows: it goes to the partition that
 * its name would choose, and wherever it belongs, nothing there depends on it.
 */
async function sharesOf(
  vms: readonly DifferingVm[],
  { store }: JobStore,
  opened: JobStore,
  { replayed }: ReplaySelection,
  { config, replay }: Asking,
): Promise<Share[]> {
  const { partitions } = await jobIn(opened.store, config)
  const wanted = new Set(vms.map(({ vmId }) => vmId))
  const known = new Map<string, number>()
  const ledgers = new Map<number, { ledger: ReplayLedger; through: Share['through'] }>()
  for (const [partition, certificates] of replayed) {
    const last = certificates.at(-1)
    const window = certificates.reduce<EpochMs | null>((max, one) => higher(max, one.window?.start ?? null), null)
    if (last === undefined || window === null) continue
    const ledger = await readReplayLedger(store, replay, partition, window, wanted)
    if (ledger === null) continue
    ledgers.set(partition, { ledger, through: { certificate: last.sequence, window } })
    for (const vmId of ledger.vmIds) known.set(vmId, partition)
  }
  const first = [...ledgers.keys()][0]
  const shares = new Map<number, DifferingVm[]>()
  for (const vm of vms) {
    const byName = partitionOf(vm.vmId, partitions)
    const partition = known.get(vm.vmId) ?? (ledgers.has(byName) ? byName : first)
    if (partition === undefined) continue
    const share = shares.get(partition)
    if (share === undefined) shares.set(partition, [vm])
    else share.push(vm)
  }
  return [...shares]
    .sort(([a], [b]) => a - b)
    .map(([partition, list]) => ({
      partition,
      vms: list,
      ...(ledgers.get(partition) as NonNullable<ReturnType<typeof ledgers.get>>),
    }))
}

function higher(a: EpochMs | null, b: EpochMs | null): EpochMs | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

interface Touched {
  readonly seen: number
  readonly spans: readonly { readonly first: EpochMs; readonly last: EpochMs }[]
}

/** The windows of this share for which something was published after the replay's last certificate. */
function touchedSince(certificates: readonly Certificate[], { partition, through }: Share): Touched {
  const since = certificates.filter((one) => one.partition === partition && one.sequence > through.certificate)
  const seen = since.reduce((max, one) => Math.max(max, one.sequence), through.certificate)
  return { seen, spans: since.flatMap(touchedBy) }
}

/** After a request of ours, whose certificate touches no VM that is still to come. */
async function touchedUntil(config: Config, partition: number, before: Touched, ours: number): Promise<Touched> {
  if (ours === before.seen + 1) return { ...before, seen: ours }
  const published = await openPublished(config)
  try {
    const between = published.certificates.filter(
      (one) => one.partition === partition && one.sequence > before.seen && one.sequence < ours,
    )
    return { seen: ours, spans: [...before.spans, ...between.flatMap(touchedBy)] }
  } finally {
    await published.close()
  }
}

type Answer = Extract<Awaited<ReturnType<typeof askAndWait>>, { outcome: unknown }>['outcome']
type Done = Extract<Answer, { readonly kind: 'promoted' }>

/** As many requests as it takes, one after another. */
async function promoteShare(
  { partition, vms, ledger, through }: Share,
  touched: Touched,
  opened: JobStore,
  { config, replay, order, signal }: Asking,
): Promise<{ readonly answers: readonly Done[]; readonly outcome: PartitionPromotion['outcome'] }> {
  const { who, why } = order
  const answers: Done[] = []
  let now = touched
  for (let next = 0; next < vms.length;) {
    const { rows, vms: taken } = await promotionRows(ledger, vms.slice(next), now.spans)
    const id = randomBytes(4).toString('hex')
    const pages = await writePromotion(opened.store, config.job, partition, id, rows)
    const request: PromoteRequest = {
      ...{ kind: 'promote', id, replay, through, seen: now.seen, rows: pages },
      ...{ who, why, askedAtMs: Date.now() },
    }
    const sweep = (): Promise<void> => opened.store.delete(promotionKeys(config.job, partition, id, pages.pages))
    if (opened.isIdle && !order.leave) {
      await sweep()
      return { answers, outcome: 'no-owner' }
    }
    const answer = await askAndWait(opened, config.job, partition, request, order, signal)
    if (answer === 'no-owner') await sweep()
    if (typeof answer === 'string') return { answers, outcome: answer }
    const { outcome } = answer
    if (outcome.kind === 'unreadable') return { answers, outcome: 'unreadable' }
    if (outcome.kind !== 'promoted') throw new Error(`a request to promote was answered as ${outcome.kind}`)
    answers.push(outcome)
    next += taken
    if (outcome.certificate !== null && next < vms.length) {
      now = await touchedUntil(config, partition, now, outcome.certificate)
    }
  }
  return { answers, outcome: 'done' }
}
