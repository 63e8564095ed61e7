/** Recounts one partition and compares its certificates and their results with the recount. */
import type { Certificate } from '../core/certificate.ts'
import type { PromotedMark, VmWindowResult } from '../core/close-vm-window.ts'
import type { FateCounts } from '../core/fate.ts'
import type { Json } from '../core/json.ts'
import type { EpochMs, SourceRecord } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { compareCertificate, pointsOf, type CertificateExpectation } from './compare-certificate.ts'
import type { ExpectedAggregator } from './aggregator-recount.ts'
import { compareResult, type ResultExpectation } from './compare-result.ts'
import { compareLink } from './chain.ts'
import { fatesOf } from './fates.ts'
import { PartitionRecount, type Amendments, type WindowRecount } from './partition-recount.ts'
import type { FindingCollector } from './findings.ts'
import type { PublishedResults } from './published-results.ts'
import type { FieldDifference, Tally } from './report.ts'
import { dependsOnAllRecords, type Selection } from './selection.ts'
import type { VmRecount } from './vm-recount.ts'
import { VmStates } from './vm-states.ts'

export interface CheckEnv {
  readonly rules: Windowing
  readonly published: PublishedResults
  /** `null` if unknown; then the output of the aggregator is not compared. */
  readonly aggregator: ExpectedAggregator | null
  readonly tally: Tally
  readonly findings: FindingCollector
  /** Keys of the certificates that record a promotion. */
  readonly promotions: ReadonlySet<string>
}

const UNKNOWN_PRIOR_NOTE =
  'The state before some VM windows is not known, since checking began after the first record or a promotion published them. What the aggregator computed of these is not compared.'

const UNKNOWN_HISTORY_NOTE =
  "What windows expect of their producers depends on the job's first records, which are not all there. Counts of expected and missing points and close reasons are not compared."

export function promotionKey({ partition, certificate }: Pick<PromotedMark, 'partition' | 'certificate'>): string {
  return `${partition} ${certificate}`
}

const NOTHING: FateCounts = fatesOf(() => 0)

export class PartitionCheck {
  readonly #env: CheckEnv
  readonly #selection: Selection
  readonly #recount: PartitionRecount
  /** Index of the next certificate. */
  #next = 0
  /** Added to the recounted fates if the recount began in the middle of the log. */
  #countsBefore: FateCounts = NOTHING
  readonly #quarantined = new Set<string>()
  readonly #states: VmStates
  readonly #isHistoryKnown: boolean
  /** For the current certificate. */
  #superseded: CertificateExpectation['superseded'] = { any: false, gone: 0 }

  constructor(env: CheckEnv, selection: Selection) {
    this.#env = env
    this.#selection = selection
    const { partition } = selection
    this.#recount = new PartitionRecount(env.rules, selection.beginning, env.aggregator?.own ?? null, {
      pointAccepted: (point) => env.findings.pointAccepted(partition, point),
      conflictFound: ({ vmId, producer, seq, timestamp, metric }, offset, holder, window) =>
        env.findings.conflictFound({ partition, offset, holder, window, vmId, producer, seq, timestamp, metric }),
    })
    this.#isHistoryKnown = selection.beginning === null || !dependsOnAllRecords(env.rules)
    if (!this.#isHistoryKnown) env.tally.notes.add(UNKNOWN_HISTORY_NOTE)
    this.#states = new VmStates(selection.beginning === null, env.rules)
  }

  /** Takes records in the order of their offsets; those after the last certificate are ignored. */
  fold(records: readonly SourceRecord[]): void {
    const { certificates } = this.#selection
    for (const record of records) {
      while (this.#next < certificates.length && (certificates[this.#next] as Certificate).offsets.last < record.offset)
        this.#certify()
      if (this.#next === certificates.length) return
      this.#env.findings.recordRead(this.#selection.partition, record)
      this.#recount.fold(record)
    }
  }

  /** Checks the remaining certificates; no more records follow. */
  end(): void {
    while (this.#next < this.#selection.certificates.length) this.#certify()
  }

  #certify(): void {
    const index = this.#next++
    const certificate = this.#selection.certificates[index] as Certificate
    const isChecked = index >= this.#selection.firstChecked
    if (certificate.promoted !== undefined) return this.#promote(index, certificate, isChecked)
    const amendments = this.#recount.amend()
    const lines: string[] = []
    this.#superseded = { any: false, gone: 0 }
    const amended = this.#revise(certificate, amendments, isChecked, lines)
    const window = this.#close(certificate, isChecked, lines)
    if (certificate.window !== null) this.#env.findings.windowClosed(certificate.partition)
    for (const one of this.#recount.forget()) {
      this.#comparePromoted(certificate, one, isChecked)
      this.#states.forget(one.start)
    }
    // Counts of earlier certificates are trusted; from here on the counts must follow from the records.
    const { firstChecked, beginning } = this.#selection
    if (beginning !== null && index + 1 === firstChecked)
      this.#countsBefore = combine(certificate.counts, this.#recount.counts, -1)
    if (!isChecked) return
    const counted = {
      counts: combine(this.#countsBefore, this.#recount.counts, 1),
      amended,
      window,
      lines,
      promoted: null,
    }
    this.#compare(certificate, this.#selection.certificates[index - 1] ?? null, counted, amendments.points)
  }

  /**
   * A promotion folds no records. Its results must agree with the records like all others. Results of windows that are no
   * longer remembered were compared when the recount forgot those windows.
   */
  #promote(index: number, certificate: Certificate, isChecked: boolean): void {
    const { partition, sequence } = certificate
    const { firstChecked, beginning } = this.#selection
    if (beginning !== null && index + 1 === firstChecked)
      this.#countsBefore = combine(certificate.counts, this.#recount.counts, -1)
    const found = this.#env.published.claimPromoted(partition, sequence)
    for (const { result } of found) {
      this.#states.publish(result.windowStart, result.vmId, result.state, result.received > 0)
      const window = this.#recount.closed.find(({ start }) => start === result.windowStart)
      const vm = window?.vms.get(result.vmId)
      if (window === undefined || vm === undefined) continue
      vm.revision = result.revision
      vm.published = result
      this.#recordQuarantine(result)
      if (isChecked) this.#compareOne(certificate, window, vm, result)
    }
    if (!isChecked) return
    this.#superseded = { any: false, gone: 0 }
    const starts = found.map(({ result }) => result.windowStart)
    const windows = { first: starts[0] ?? NaN, last: starts.at(-1) ?? NaN }
    const counts = combine(this.#countsBefore, this.#recount.counts, 1)
    const promoted = found.length === 0 ? null : { vmWindows: found.length, windows }
    const counted = { counts, amended: [], window: null, lines: found.map(({ line }) => line), promoted }
    this.#compare(certificate, this.#selection.certificates[index - 1] ?? null, counted, 0)
    const { who, why, replay } = certificate.promoted as NonNullable<Certificate['promoted']>
    this.#env.tally.notes.add(
      `Certificate ${sequence} of partition ${partition} promoted ${found.length} results of the replay ${replay} (${who}: ${why}). ` +
        'What had been published in their place is not compared, nor is the digest of certificates that speak of it.',
    )
  }

  /** The window can no longer change, so the results of later promotions must agree with it now. */
  #comparePromoted(certificate: Certificate, window: WindowRecount, isChecked: boolean): void {
    if (!isChecked) return
    for (const vm of window.vms.values()) {
      for (const result of this.#env.published.promotedAfter(window.start, vm.vmId, vm.revision)) {
        this.#compareOne(certificate, window, vm, result)
      }
    }
  }

  #compareOne(certificate: Certificate, window: WindowRecount, vm: VmRecount, result: VmWindowResult): void {
    const { rules, aggregator, tally } = this.#env
    // States of a promotion start in the replay, earlier than the states that are remembered here.
    const expectation = { vm, ...this.#placeOf(window), prior: undefined }
    const differences = compareResult(expectation, result, rules, aggregator)
    this.#reportUnknownPrior(undefined)
    tally.add('vmWindows', 1, differences.length === 0)
    const place = { window: window.start, vmId: vm.vmId, revision: result.revision }
    for (const one of differences) this.#differs(certificate, one, place)
  }

  #placeOf({ start, trigger }: WindowRecount): Pick<ResultExpectation, 'windowStart' | 'trigger' | 'isHistoryKnown'> {
    return { windowStart: start, trigger: trigger ?? 'complete', isHistoryKnown: this.#isHistoryKnown }
  }

  #reportUnknownPrior(prior: Json | undefined): void {
    if (prior === undefined && this.#env.aggregator?.own) this.#env.tally.notes.add(UNKNOWN_PRIOR_NOTE)
  }

  #recordQuarantine({ windowStart, vmId, reason }: VmWindowResult): void {
    const key = `${windowStart} ${vmId}`
    if (reason === 'quarantined') this.#quarantined.add(key)
    else this.#quarantined.delete(key)
  }

  /** Compares new revisions of closed windows: VM windows that late records changed, and later ones whose prior state changed. */
  #revise(
    certificate: Certificate,
    { vms }: Amendments,
    isChecked: boolean,
    lines: string[],
  ): { window: WindowRecount; vmWindows: number }[] {
    const amended: { window: WindowRecount; vmWindows: number }[] = []
    const cascading = new Set<string>()
    // For each changed VM, the states with which the closed windows began before this certificate.
    const priors = new Map<string, ReadonlyMap<EpochMs, Json | undefined>>()
    const { closed } = this.#recount
    for (const window of closed) {
      const changed = new Set(vms.get(window.start))
      for (const [vmId, before] of priors) {
        const [was, now] = [before.get(window.start), this.#states.before(window.start, vmId)]
        const isKnown = was !== undefined && now !== undefined
        const isCascading = isKnown ? JSON.stringify(was) !== JSON.stringify(now) : cascading.has(vmId)
        if (isCascading && window.vms.has(vmId)) changed.add(vmId)
      }
      for (const vmId of [...changed].sort()) {
        if (!priors.has(vmId))
          priors.set(vmId, new Map(closed.map(({ start }) => [start, this.#states.before(start, vmId)])))
        const vm = window.vms.get(vmId) as VmRecount
        const before = vm.published
        vm.revision++
        const result = this.#result(certificate, window, vm, isChecked, lines)
        if (isStateChanged(result, before)) cascading.add(vmId)
        else cascading.delete(vmId)
      }
      if (changed.size > 0) amended.push({ window, vmWindows: changed.size })
    }
    return amended
  }

  #close(
    { window: closing, trigger, ...rest }: Certificate,
    isChecked: boolean,
    lines: string[],
  ): WindowRecount | null {
    if (closing === null || trigger === null) return null
    const window = this.#recount.close(closing.start, trigger)
    this.#states.close(closing.start)
    for (const vmId of [...(window?.vms.keys() ?? [])].sort()) {
      const vm = window?.vms.get(vmId) as VmRecount
      vm.revision = 1
      this.#result({ ...rest, window: closing, trigger }, window as WindowRecount, vm, isChecked, lines)
    }
    return window
  }

  /** Claims the expected result, compares it, and adds its line; `null` if it was not published. */
  #result(
    certificate: Certificate,
    window: WindowRecount,
    vm: VmRecount,
    isChecked: boolean,
    lines: string[],
  ): VmWindowResult | null {
    const { published, rules, aggregator, tally } = this.#env
    const { vmId, revision } = vm
    const prior = this.#states.before(window.start, vmId)
    const expectation = { vm, ...this.#placeOf(window), prior }
    const fits = (one: VmWindowResult): boolean => compareResult(expectation, one, rules, aggregator).length === 0
    const found = published.claim(window.start, vmId, revision, fits)
    vm.published = found?.result ?? null
    if (found === null) this.#quarantined.delete(`${window.start} ${vmId}`)
    else {
      this.#recordQuarantine(found.result)
      lines.push(found.line)
    }
    this.#states.publish(window.start, vmId, found?.result.state, vm.received() > 0)
    if (!isChecked) return found?.result ?? null
    if (this.#isSuperseded(window.start, vmId, revision)) {
      this.#superseded = { any: true, gone: this.#superseded.gone + (found === null ? 1 : 0) }
      return found?.result ?? null
    }
    const differences: FieldDifference[] =
      found === null
        ? [{ field: 'result', expected: 'there', found: null }]
        : compareResult(expectation, found.result, rules, aggregator)
    if (found !== null) this.#reportUnknownPrior(prior)
    tally.add('vmWindows', 1, differences.length === 0)
    for (const one of differences) this.#differs(certificate, one, { window: window.start, vmId, revision })
    return found?.result ?? null
  }

  /** Whether a promotion that a certificate records has replaced this revision. */
  #isSuperseded(window: EpochMs, vmId: string, revision: number): boolean {
    return this.#env.published
      .promotedAfter(window, vmId, revision)
      .some(({ promoted }) => promoted !== undefined && this.#env.promotions.has(promotionKey(promoted)))
  }

  #compare(
    certificate: Certificate,
    before: Certificate | null,
    counted: Pick<CertificateExpectation, 'counts' | 'amended' | 'window' | 'lines' | 'promoted'>,
    latePoints: number,
  ): void {
    const { rules, tally } = this.#env
    const { watermark } = this.#recount
    const expectation: CertificateExpectation = {
      ...counted,
      superseded: this.#superseded,
      isHistoryKnown: this.#isHistoryKnown,
      watermark: watermark === -Infinity ? null : watermark,
      isQuarantined: (start, vmId) => this.#quarantined.has(`${start} ${vmId}`),
    }
    const inChain = compareLink(before, certificate)
    const inContent = compareCertificate(expectation, certificate, rules)
    const { window } = counted
    const points = latePoints + (window === null ? 0 : pointsOf(window).count)
    tally.add('points', points, !inContent.some(({ field }) => field.startsWith('points.') || field === 'amended'))
    if (window !== null) tally.add('windows', 1, inContent.length === 0)
    tally.add('certificates', 1, inChain.length + inContent.length === 0)
    const place = { window: certificate.window?.start ?? null, vmId: null, revision: null }
    for (const one of [...inChain, ...inContent]) this.#differs(certificate, one, place)
  }

  #differs(
    { partition, sequence }: Certificate,
    difference: FieldDifference,
    place: { readonly window: EpochMs | null; readonly vmId: string | null; readonly revision: number | null },
  ): void {
    this.#env.tally.differs({ partition, certificate: sequence, ...place, ...difference })
  }
}

function combine(a: FateCounts, b: FateCounts, sign: 1 | -1): FateCounts {
  return fatesOf((fate) => (a[fate] ?? 0) + sign * (b[fate] ?? 0))
}

/**
 * Whether the revision changes the prior state of the VM's next window. The states are read from the results, not
 * recomputed. A new VM window changes the state if it has points.
 */
function isStateChanged(now: VmWindowResult | null, before: VmWindowResult | null): boolean {
  if (now === null) return true
  if (before === null) return now.received > 0 && now.state !== null
  return JSON.stringify(now.state) !== JSON.stringify(before.state)
}
