/** Compares a certificate with the recount. */
import { windowEndAfter } from './windows.ts'
import { createHash } from 'node:crypto'
import type { Certificate, ProducerRanges } from '../core/certificate.ts'
import type { CloseReason } from '../core/closing.ts'
import type { FateCounts } from '../core/fate.ts'
import type { Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { recountedReason } from './compare-result.ts'
import { RECOUNTED_FATES } from './fates.ts'
import type { WindowRecount } from './partition-recount.ts'
import { PointSum } from './point-sum.ts'
import { Fields, type FieldDifference } from './report.ts'
import { rangesOf } from './seqs.ts'

/** Maximum number of ranges that a certificate lists per producer. */
const MAX_RANGES = 100

export interface CertificateExpectation {
  readonly counts: FateCounts
  readonly watermark: EpochMs | null
  /** As of a result (compare-result.ts). */
  readonly isHistoryKnown: boolean
  readonly window: WindowRecount | null
  /** Windows that the certificate amends, oldest first, each with its number of new revisions. */
  readonly amended: readonly { readonly window: WindowRecount; readonly vmWindows: number }[]
  /** The published lines that belong to the certificate, in order. */
  readonly lines: readonly string[]
  /** Whether a promotion has replaced some of these lines, and how many are missing. Replaced lines are not compared. */
  readonly superseded: { readonly any: boolean; readonly gone: number }
  /** For a promotion: the number of its results (those of the replay and those that follow from them), and their windows. */
  readonly promoted: {
    readonly vmWindows: number
    readonly windows: { readonly first: EpochMs; readonly last: EpochMs }
  } | null
  /** Whether the user's aggregator failed on this VM window. Records do not show that; it is taken from the results. */
  readonly isQuarantined: (window: EpochMs, vmId: string) => boolean
}

export function compareCertificate(
  expectation: CertificateExpectation,
  certificate: Certificate,
  rules: Windowing,
): FieldDifference[] {
  const { counts, watermark, isHistoryKnown, window, amended, lines, superseded, promoted, isQuarantined } = expectation
  const fields = new Fields()
  for (const fate of RECOUNTED_FATES)
    // A version that knew no conflicts wrote no count of them; other counts are written only where they are not 0.
    fields.compare(`counts.${fate}`, counts[fate] ?? 0, (certificate.counts as Partial<FateCounts>)[fate] ?? 0)
  fields.compare('watermark', watermark, certificate.watermark)
  if (window !== null) {
    fields.compare('window.end', windowEndAfter(window.start, rules), certificate.window?.end ?? null)
    compareWindow(window, certificate, rules, isHistoryKnown, isQuarantined, fields)
  }
  fields.compare(
    'amended',
    amended.map((one) => ({
      window: one.window.start,
      vmWindows: one.vmWindows,
      points: { ...pointsOf(one.window) },
      reason: isHistoryKnown ? weakestOf(reasonsOf(one.window, rules, isQuarantined)) : null,
    })),
    certificate.amended.map(({ window: start, vmWindows, points, reason }) => ({
      ...{ window: start, vmWindows, points: { count: points.count, digest: points.digest } },
      reason: isHistoryKnown ? reason : null,
    })),
  )
  const hash = createHash('sha256')
  for (const line of lines) hash.update(`${line}\n`)
  fields.compare('results.count', lines.length + superseded.gone, certificate.results.count)
  if (!superseded.any) fields.compare('results.digest', hash.digest('base64url'), certificate.results.digest)
  if (certificate.promoted !== undefined) {
    const { vmWindows, following, windows } = certificate.promoted
    fields.compare('promoted.vmWindows', promoted?.vmWindows ?? 0, vmWindows + following)
    fields.compare('promoted.windows', promoted && { ...promoted.windows }, {
      first: windows.first,
      last: windows.last,
    })
  }
  return fields.differences
}

export function pointsOf(window: WindowRecount): { readonly count: number; readonly digest: string } {
  const sum = new PointSum()
  let count = 0
  for (const vm of window.vms.values()) {
    sum.merge(vm.points)
    count += vm.received()
  }
  return { count, digest: sum.text() }
}

const STRENGTH: readonly CloseReason[] = ['complete', 'grace', 'deadline', 'forced', 'quarantined']

function reasonsOf(
  window: WindowRecount,
  rules: Windowing,
  isQuarantined: CertificateExpectation['isQuarantined'],
): Map<CloseReason, number> {
  const reasons = new Map<CloseReason, number>()
  for (const vm of window.vms.values()) {
    const counted = recountedReason(vm, window.trigger ?? 'complete', rules)
    const reason = isQuarantined(window.start, vm.vmId) ? 'quarantined' : counted
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  return reasons
}

function weakestOf(reasons: ReadonlyMap<CloseReason, number>): CloseReason {
  return STRENGTH.findLast((reason) => reasons.has(reason)) ?? 'complete'
}

function compareWindow(
  window: WindowRecount,
  certificate: Certificate,
  rules: Windowing,
  isHistoryKnown: boolean,
  isQuarantined: CertificateExpectation['isQuarantined'],
  fields: Fields,
): void {
  const vms = [...window.vms.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
  const points = pointsOf(window)
  fields.compare('points.count', points.count, certificate.points.count)
  fields.compare('points.digest', points.digest, certificate.points.digest)
  fields.compare('received', points.count, certificate.received)
  fields.compare('vmWindows', vms.length, certificate.vmWindows)
  if (isHistoryKnown) {
    const reasons = reasonsOf(window, rules, isQuarantined)
    const byReason = Object.fromEntries([...reasons].sort())
    fields.compare(
      'vmWindowsByReason',
      byReason,
      Object.fromEntries(Object.entries(certificate.vmWindowsByReason).sort()),
    )
    fields.compare('reason', weakestOf(reasons), certificate.reason)
  }
  let expected: number | null = 0
  let missingCount = 0
  let unexpectedCount = 0
  const missing: ProducerRanges[] = []
  const unexpected: ProducerRanges[] = []
  for (const vm of vms) {
    const ofVm = vm.expected(rules)
    expected = expected === null || ofVm === null ? null : expected + ofVm
    for (const producer of [...vm.producers.keys()].sort()) {
      const recount = vm.producers.get(producer)
      if (recount === undefined) continue
      missingCount += recount.missingCount()
      const outside = recount.unexpected()
      unexpectedCount += outside.length
      list(missing, vm.vmId, producer, recount.missing())
      list(unexpected, vm.vmId, producer, outside)
    }
  }
  if (isHistoryKnown) {
    fields.compare('expected', expected, certificate.expected)
    fields.compare('missingCount', missingCount, certificate.missingCount)
    fields.compare('missing', json(missing.slice(0, certificate.missing.length)), json(certificate.missing))
  }
  fields.compare('unexpectedCount', unexpectedCount, certificate.unexpectedCount)
  // The lists have a bound in bytes, so a certificate may list only the first ranges.
  fields.compare('unexpected', json(unexpected.slice(0, certificate.unexpected.length)), json(certificate.unexpected))
}

function list(lists: ProducerRanges[], vmId: string, producer: string, seqs: readonly number[]): void {
  if (seqs.length > 0) lists.push({ vmId, producer, ranges: rangesOf(seqs).slice(0, MAX_RANGES) })
}

function json(ranges: readonly ProducerRanges[]): Json {
  return ranges.map((one) => ({ vmId: one.vmId, producer: one.producer, ranges: one.ranges }))
}
