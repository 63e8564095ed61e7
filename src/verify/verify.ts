/**
 * `windrow verify`: recomputes windows from the source records with an independent implementation and compares them with the
 * published results. It uses no code of the pipeline's fold (the linter and a test check that), so mistakes there show here.
 *
 *   selection.ts           certificates to check, part of the log to read     published-results.ts  the published results
 *   partition-check.ts     compares certificate by certificate                published-line.ts     parses published lines
 *   partition-recount.ts   recounts a partition from its records              vm-recount.ts         recounts one VM window
 *   producer-recount.ts    one producer of a VM window                        promise.ts            promises of manifests
 *   producer-memory.ts     roster, metrics and slots between windows          cadence.ts            slots of a cadence
 *   aggregator-recount.ts  runs a user's aggregator                           metric-recount.ts     recounts one metric
 *   rate-recount.ts        the built-in aggregator `rate`
 *   compare-*.ts, chain.ts comparisons of results, states and certificates    vm-states.ts          published VM states
 *   refusals.ts            which records the rules refuse                     report.ts             the report
 *   job-windows.ts         compares windows of the job
 *   findings.ts            conflicts, split VMs, fast clocks                  fates.ts              fates that are counted
 *   windows.ts             where windows begin and end                       murmur3.ts, point-sum.ts, rational-sum.ts, seqs.ts  arithmetic
 *
 * Two facts cannot be recomputed and are trusted: when a clock or an operator closed a window, and on which VM windows a
 * user's aggregator failed.
 */
import type { Certificate } from '../core/certificate.ts'
import type { SourceRecord } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { WindrowError } from '../errors/index.ts'
import type { ExpectedAggregator } from './aggregator-recount.ts'
import { FindingCollector } from './findings.ts'
import { compareJobWindows } from './job-windows.ts'
import { PartitionCheck, promotionKey } from './partition-check.ts'
import { readPublished } from './published-line.ts'
import { PublishedResults } from './published-results.ts'
import { Tally, type Compared, type Loss, type VerifyReport } from './report.ts'
import { select, type TimeRange, type Selection } from './selection.ts'
import { windowEndAfter, windowStartAt } from './windows.ts'

/** Read access to everything that is compared. Nothing is written. */
export interface VerifySources {
  /** Published certificates, in JSON. */
  certificates(): AsyncIterable<string>
  /** Published results, in JSON, as they were published. */
  results(): AsyncIterable<string>
  /** The records of the windows of the job; absent if the settings name none. */
  jobWindows?(): AsyncIterable<string>
  /** By partition: the offset of the first record that still exists, and the offset after the last one. */
  logRanges(
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, { readonly start: number; readonly end: number }>>
  /** Calls `take` with the records of the spans, those of each partition in order. */
  records(
    spans: ReadonlyMap<number, Span>,
    take: (partition: number, records: readonly SourceRecord[]) => void,
  ): Promise<void>
}

/** Offsets from `from` (inclusive) to `to` (exclusive). */
export interface Span {
  readonly from: number
  readonly to: number
}

export interface VerifyRequest {
  readonly job: string
  readonly rules: Windowing
  readonly range: TimeRange
  readonly aggregator: ExpectedAggregator
}

export interface VerifyProgress {
  readonly doing: 'certificates' | 'results' | 'records'
  readonly done: number
  /** `null`: not known beforehand. */
  readonly total: number | null
}

/** Verifies a job. Throws if there is nothing to compare. */
export async function verify(
  sources: VerifySources,
  { job, rules, range, aggregator }: VerifyRequest,
  observe: (progress: VerifyProgress) => void,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const tally = new Tally()
  const findings = new FindingCollector(rules)
  const chains = await readCertificates(sources, job, rules, tally, observe)
  const logs = await sources.logRanges([...chains.keys()])
  const selections: Selection[] = []
  const lost: Loss[] = []
  for (const [partition, chain] of chains) {
    const log = logs.get(partition) ?? { start: 0, end: 0 }
    const selected = select(chain, range, log.start, rules)
    if (selected === null) continue
    if ('certificates' in selected && selected.readTo > log.end) throw logTooShort(selected, log.end)
    if (selected.lost !== null) lost.push(selected.lost)
    if ('certificates' in selected) selections.push(selected)
  }
  if (selections.length === 0 && lost.length === 0) throw nothingToVerify(job)

  const isWhole = range.from === null && range.to === null && lost.length === 0
  const published = await readResults(sources, isWhole ? null : windowsOf(selections), observe, signal)
  const { aggregators } = published
  const isKnown =
    aggregator.own !== null || aggregators.size === 0 || aggregators.has(aggregator.id) || aggregators.has(null)
  const promotions = new Set(
    [...chains.values()]
      .flat()
      .flatMap(({ partition, sequence, promoted }) =>
        promoted === undefined ? [] : [promotionKey({ partition, certificate: sequence })],
      ),
  )
  const checks = new Map(
    selections.map((selection) => [
      selection.partition,
      new PartitionCheck(
        { rules, published, aggregator: isKnown ? aggregator : null, tally, findings, promotions },
        selection,
      ),
    ]),
  )
  const spans = new Map(
    selections.map(({ partition, readFrom, readTo }) => [partition, { from: readFrom, to: readTo }]),
  )
  const total = [...spans.values()].reduce((sum, { from, to }) => sum + to - from, 0)
  let records = 0
  await sources.records(spans, (partition, batch) => {
    signal.throwIfAborted()
    checks.get(partition)?.fold(batch)
    records += batch.length
    observe({ doing: 'records', done: records, total })
  })
  for (const check of checks.values()) check.end()
  await reportUnclaimed(published, isWhole, chains, sources, tally)
  if (!isKnown) tally.notes.add(notCompared([...aggregators]))
  const jobWindows = await compareAllJobWindows(sources, isWhole, chains, published, tally)
  return {
    job,
    partitions: selections.length,
    records,
    compared: tally.compared(),
    differences: tally.differences,
    differenceCount: tally.differenceCount,
    lost,
    notes: [...tally.notes],
    findings: findings.findings(),
    ...(jobWindows === null ? {} : { jobWindows }),
  }
}

/** `null` if they are not compared. They are read last, since a running job announces a window after its certificates. */
async function compareAllJobWindows(
  sources: VerifySources,
  isWhole: boolean,
  chains: ReadonlyMap<number, readonly Certificate[]>,
  published: PublishedResults,
  tally: Tally,
): Promise<Compared | null> {
  const lines = sources.jobWindows?.()
  if (lines === undefined) return null
  const isPromoted = [...chains.values()].flat().some(({ promoted }) => promoted !== undefined)
  if (isWhole && !isPromoted) return compareJobWindows(lines, chains, published, tally)
  tally.notes.add(
    isPromoted
      ? 'Job windows are not compared, since a replay was promoted: certificates do not list the windows that this has changed.'
      : 'Job windows are compared only if everything else is: verify all windows of the job.',
  )
  return null
}

function notCompared(aggregators: readonly (string | null)[]): string {
  return (
    `The results are of the aggregator ${aggregators.join(', ')}. Their counts, seqs and reasons are compared, and the ` +
    'digests of points and results. Give --aggregator to compare also what it computed.'
  )
}

/** The certificates by partition, in order. */
async function readCertificates(
  sources: VerifySources,
  job: string,
  rules: Windowing,
  tally: Tally,
  observe: (progress: VerifyProgress) => void,
): Promise<ReadonlyMap<number, readonly Certificate[]>> {
  const chains = new Map<number, Certificate[]>()
  let done = 0
  for await (const line of sources.certificates()) {
    const certificate = readPublished<Certificate>('certificate', line)
    requireSameJob(certificate, job, rules)
    const chain = chains.get(certificate.partition)
    if (chain === undefined) chains.set(certificate.partition, [certificate])
    else chain.push(certificate)
    observe({ doing: 'certificates', done: ++done, total: null })
  }
  for (const [partition, chain] of chains) chains.set(partition, inOrder(chain, tally))
  return new Map([...chains].sort(([a], [b]) => a - b))
}

/** Sorts the certificates. One that was published twice is reported and dropped. */
function inOrder(chain: readonly Certificate[], tally: Tally): Certificate[] {
  const sorted = [...chain].sort((a, b) => a.sequence - b.sequence)
  return sorted.filter((certificate, i) => {
    const before = sorted[i - 1]
    if (before === undefined || before.sequence !== certificate.sequence || before.digest !== certificate.digest)
      return true
    const { partition, sequence, window } = certificate
    const place = { partition, certificate: sequence, window: window?.start ?? null, vmId: null, revision: null }
    tally.differs({ ...place, field: 'certificate', expected: 'once', found: 'twice' })
    return false
  })
}

/** `windows`: starts of the wanted windows; `null` for all. */
async function readResults(
  sources: VerifySources,
  windows: ReadonlySet<number> | null,
  observe: (progress: VerifyProgress) => void,
  signal: AbortSignal,
): Promise<PublishedResults> {
  const published = new PublishedResults((start) => windows === null || windows.has(start))
  for await (const line of sources.results()) {
    signal.throwIfAborted()
    published.add(line)
    observe({ doing: 'results', done: published.count, total: null })
  }
  return published
}

function windowsOf(selections: readonly Selection[]): ReadonlySet<number> {
  const starts = new Set<number>()
  for (const { certificates } of selections) {
    for (const { window, amended } of certificates) {
      if (window !== null) starts.add(window.start)
      for (const one of amended) starts.add(one.window)
    }
  }
  return starts
}

/**
 * Reports results that no certificate covers. If only a range is checked, certificates outside of it may cover them; then
 * only results published twice are reported. A running job may have published more certificates by now.
 */
async function reportUnclaimed(
  published: PublishedResults,
  isWhole: boolean,
  chains: ReadonlyMap<number, readonly Certificate[]>,
  sources: VerifySources,
  tally: Tally,
): Promise<void> {
  const unclaimed = [...published.unclaimed()].filter(({ isRepeated }) => isWhole || isRepeated)
  if (unclaimed.length === 0) return
  const later = new Set<number>()
  const laterPromotions = new Set<string>()
  for await (const line of sources.certificates()) {
    const { partition, sequence, window, amended, promoted } = readPublished<Certificate>('certificate', line)
    if (sequence <= (chains.get(partition)?.at(-1)?.sequence ?? 0)) continue
    if (promoted !== undefined) laterPromotions.add(promotionKey({ partition, certificate: sequence }))
    for (const start of [window?.start, ...amended.map((one) => one.window)]) if (start !== undefined) later.add(start)
  }
  for (const { result, isRepeated } of unclaimed) {
    const { windowStart: window, vmId, revision } = result
    if (!isRepeated && later.has(window)) continue
    if (result.promoted !== undefined && laterPromotions.has(promotionKey(result.promoted))) continue
    tally.add('vmWindows', 1, false)
    const place = { partition: null, certificate: null, window, vmId, revision }
    const [expected, found] = isRepeated ? ['once', 'more than once'] : [null, 'there']
    tally.differs({ ...place, field: 'result', expected, found })
  }
}

function requireSameJob({ job: of, window }: Certificate, job: string, rules: Windowing): void {
  if (of !== job) {
    throw new WindrowError(`the certificates are of the job ${of}, not of ${job}`, { code: 'ANOTHER_JOB' })
  }
  if (window === null) return
  const start = windowStartAt(window.start, rules)
  const end = windowEndAfter(start, rules)
  if (start !== window.start || end !== window.end) {
    throw new WindrowError(
      `the certificates are of windows of ${window.end - window.start} ms (${window.start} to ${window.end}), ` +
        `and by the settings this window is of ${end - start} ms (${start} to ${end})`,
      { code: 'OTHER_SETTINGS' },
    )
  }
}

function logTooShort({ partition, readTo }: Selection, end: number): WindrowError {
  return new WindrowError(
    `partition ${partition} ends at offset ${end}, and its certificates speak of records up to ${readTo - 1}`,
    { code: 'DATA_LOSS', remedy: 'The topic was recreated, or is another one: name the one that the job has read.' },
  )
}

function nothingToVerify(job: string): WindrowError {
  return new WindrowError(`there is no certificate of the job ${job} to verify`, { code: 'NOTHING_TO_VERIFY' })
}
