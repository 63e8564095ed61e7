/** One window in full: who holds it back, its counts, its certificate with the chain around it, and its workflows. */
import type { Certificate } from '../../core/certificate.ts'
import type { ProducerResult, VmWindowResult } from '../../core/close-vm-window.ts'
import { FATES, NO_FATES, withRareFates, type FateCounts } from '../../core/fate.ts'
import type { EpochMs } from '../../core/point.ts'
import { windowsOf } from '../../core/window-policy.ts'
import { isIntact } from '../../ledger/seal-certificate.ts'
import type { ChainAnswer, ChainLink, WaitingAnswer, WindowAnswer, WindowVmAnswer } from '../answers.ts'
import type { CertificateIndex, IndexedCertificate } from '../results/certificate-index.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { IndexedWindow } from '../results/result-index.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'
import { closedWindowAnswer, closedWindows } from './closed-windows.ts'
import { openViewAt, openWindowAnswer, type OpenView } from './open-windows.ts'

const MAX_RANGES = 100
/** Waiting producers in the summary of the open window; the list of VMs has all of them. */
const FIRST_WAITING = 20

export interface WindowQuery {
  readonly partition: number
  readonly start: EpochMs
  readonly after: string | null
  readonly limit: number
  /** Also the VMs that are complete. */
  readonly all: boolean
}

/** `null`: the job has no such window, or does not know it any more. Its workflows are added by the caller. */
export async function windowAnswer(
  snapshot: Snapshot,
  published: PublishedIndex,
  query: WindowQuery,
): Promise<Omit<WindowAnswer, 'workflows'> | null> {
  const { partition, start } = query
  const { record, stored } = snapshot
  const windows = windowsOf(record.rules)
  const open = openViewAt(snapshot, partition, start)
  const range = { from: start, to: start + 1, partition }
  const closed = open === null ? (closedWindows(snapshot, published, range)[0] ?? null) : null
  const certificate = published.certificates.ofWindow(partition, start)
  const isClosing = stored[partition]?.ledger?.intent?.window === start
  // Everything that depends on the indexes is computed before the first line is awaited: they may change meanwhile.
  const base = {
    ...{ snapshot: snapshot.id, partition, start, end: windows.endOf(start), previous: windows.back(start, 1) },
    open: open === null ? null : openWindowAnswer(open, record.rules, FIRST_WAITING),
    closed: closed === null ? null : closedWindowAnswer(closed),
    records: open !== null || certificate === null ? null : recordsOf(published.certificates, certificate),
  }
  const links = certificate === null ? null : linksOf(published.certificates, certificate)
  const vms = open !== null ? openVms(open, query) : closed !== null ? closedVms(published, closed, query) : null
  if (open === null && closed === null && !isClosing && certificate === null) return null
  const whole = open === null && certificate !== null ? await readCertificate(published, certificate) : null
  return {
    ...base,
    state: open !== null && !isClosing ? 'open' : closed !== null ? 'closed' : 'closing',
    trigger: whole?.trigger ?? null,
    forced: whole?.forced ?? null,
    vms: (await vms) ?? { total: 0, items: [], next: null },
    certified: whole === null || links === null ? null : chainAnswer(whole, links),
  }
}

type VmPage = WindowAnswer['vms']

/** The part of a sorted list after the VM that the page before ended with. */
function pageOf<T>(
  sorted: readonly T[],
  idOf: (one: T) => string,
  { after, limit }: WindowQuery,
): [T[], string | null] {
  const before = after === null ? -1 : sorted.findIndex((one) => idOf(one) === after)
  const page = sorted.slice(before + 1, before + 1 + limit)
  const last = page.at(-1)
  return [page, last !== undefined && before + 1 + limit < sorted.length ? idOf(last) : null]
}

function openVms({ window, pairs }: OpenView, query: WindowQuery): VmPage {
  const byVm = new Map<string, WaitingAnswer[]>()
  // The pairs are sorted, so the VMs are in the order of their worst producer.
  for (const pair of pairs) {
    const found = byVm.get(pair.vmId)
    if (found === undefined) byVm.set(pair.vmId, [pair])
    else found.push(pair)
  }
  const waiting = [...byVm].filter(([, own]) => query.all || own.some(({ state }) => state !== 'complete'))
  const [page, next] = pageOf(waiting, ([vmId]) => vmId, query)
  const items = page.map(([vmId, producers]): WindowVmAnswer => {
    const vm = window.vms.get(vmId)
    const isKnown = producers.every(({ expected }) => expected !== null)
    return {
      ...{ vmId, reason: null, revision: null, error: vm?.failure ?? null },
      expected: isKnown ? producers.reduce((sum, { expected }) => sum + (expected as number), 0) : null,
      received: producers.reduce((sum, { received }) => sum + received, 0),
      ...{ duplicates: vm?.duplicates ?? 0, conflicts: vm?.conflicts ?? 0, noReadings: vm?.noReadings ?? 0 },
      missing: producers.flatMap(({ missing }) => missing).slice(0, MAX_RANGES),
      missingCount: producers.reduce((sum, { missingCount }) => sum + missingCount, 0),
      producers,
    }
  })
  return { total: waiting.length, items, next }
}

async function closedVms(published: PublishedIndex, window: IndexedWindow, query: WindowQuery): Promise<VmPage> {
  const { results } = published
  const vms = Array.from({ length: window.columns.size }, (_, row) => results.vmAt(window, row))
    .filter(({ reason }) => query.all || reason !== 'complete')
    .sort(
      (a, b) =>
        Number(a.reason === 'complete') - Number(b.reason === 'complete') ||
        b.missing - a.missing ||
        (a.vmId < b.vmId ? -1 : 1),
    )
  const [page, next] = pageOf(vms, ({ vmId }) => vmId, query)
  const lines = await published.readResults(page.map(({ at }) => ({ partition: window.partition, at })))
  const items = page.map((vm, index): WindowVmAnswer => {
    const { at: _at, windowStart: _start, missing: missingCount, ...counts } = vm
    const line = lines[index]
    // Deleted by the topic's retention: the counts are still known.
    if (line === null || line === undefined) return { ...counts, missing: [], missingCount, producers: [], error: null }
    const result = JSON.parse(line) as VmWindowResult
    return {
      ...{ ...counts, missing: result.missing, missingCount, error: result.error ?? null },
      producers: producersOf(result).map((one) => producerAnswer(result, one)),
    }
  })
  return { total: vms.length, items, next }
}

function producersOf(result: VmWindowResult): readonly ProducerResult[] {
  const { expected, received, missing, producers } = result
  return producers ?? [{ producer: '', expected, received, missing }]
}

function producerAnswer(
  { vmId, conflicts, reason, missingCount, producers }: VmWindowResult,
  { producer, expected, received, missing }: ProducerResult,
): WaitingAnswer {
  const isOnly = producers === undefined || producers.length === 1
  // Of several producers a result has the missing ranges of each, and the number of all.
  const own = isOnly ? missingCount : Math.max(0, (expected ?? received) - received)
  const state =
    reason === 'complete'
      ? 'complete'
      : received === 0 && (expected ?? 0) === 0
        ? 'silent'
        : expected === null
          ? 'unannounced'
          : own > 0
            ? 'missing'
            : conflicts > 0
              ? 'conflict'
              : 'complete'
  return { vmId, producer, state, expected, received, missing, missingCount: own }
}

/** Counts since the certificate before; `null` if that is not known. */
function recordsOf(
  certificates: CertificateIndex,
  { partition, sequence, counts }: IndexedCertificate,
): FateCounts | null {
  const before = sequence === 1 ? NO_FATES : certificates.bySequence(partition, sequence - 1)?.counts
  if (before === undefined) return null
  const difference = Object.fromEntries(
    FATES.map((fate) => [fate, counts[fate] - before[fate]]),
  ) as unknown as FateCounts
  return withRareFates(
    difference,
    (counts.extra ?? 0) - (before.extra ?? 0),
    (counts.noReading ?? 0) - (before.noReading ?? 0),
  )
}

interface Links {
  readonly isFirst: boolean
  readonly before: IndexedCertificate | null
  readonly previous: ChainLink | null
  readonly next: ChainLink | null
  readonly amendedBy: readonly ChainLink[]
}

function linksOf(certificates: CertificateIndex, { partition, sequence, window }: IndexedCertificate): Links {
  const before = certificates.bySequence(partition, sequence - 1)
  const after = certificates.bySequence(partition, sequence + 1)
  return {
    isFirst: sequence === 1,
    before,
    previous: before && linkOf(before),
    next: after && linkOf(after),
    amendedBy: window === null ? [] : certificates.changesOf(partition, window.start).map(linkOf),
  }
}

function linkOf({ sequence, digest, window, reason }: IndexedCertificate): ChainLink {
  return { sequence, digest, window, reason }
}

function chainAnswer(certificate: Certificate, { isFirst, before, previous, next, amendedBy }: Links): ChainAnswer {
  const expected = isFirst ? '' : before?.digest
  const isBroken = !isIntact(certificate) || (expected !== undefined && certificate.previous !== expected)
  const chain = isBroken ? 'broken' : expected === undefined ? 'unknown' : 'holds'
  return { certificate, previous, next, chain, amendedBy }
}

async function readCertificate(
  published: PublishedIndex,
  { partition, at }: IndexedCertificate,
): Promise<Certificate | null> {
  const line = await published.readCertificate(partition, at)
  return line === null ? null : (JSON.parse(line) as Certificate)
}
