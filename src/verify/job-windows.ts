/**
 * Compares the records of job windows with the certificates: each window's last revision must have the totals of the last
 * certificates that closed or amended it, partition by partition.
 */
import type { Certificate } from '../core/certificate.ts'
import type { Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import { readPublished } from './published-line.ts'
import type { PublishedResults } from './published-results.ts'
import { PointSum } from './point-sum.ts'
import type { Compared, Tally } from './report.ts'

/** The members that are compared. */
interface JobWindowRecord {
  readonly job: string
  readonly windowStart: EpochMs
  readonly revision: number
  readonly reason: string
  readonly vmWindows: number
  readonly points: { readonly count: number; readonly digest: string }
  readonly partitions: readonly RecordedShare[]
}

interface RecordedShare {
  readonly partition: number
  readonly reason: string
  readonly points: number
  readonly certificate: { readonly sequence: number; readonly digest: string }
}

interface ExpectedShare extends RecordedShare {
  readonly pointsDigest: string
}

/** The last one is the weakest. Written again here, as everything that `verify` compares with. */
const FROM_STRONGEST = ['complete', 'grace', 'deadline', 'forced', 'quarantined']

type Chains = ReadonlyMap<number, readonly Certificate[]>

/** A window without a record is a difference only if a later one has a record: the job may not have closed it yet. */
export async function compareJobWindows(
  lines: AsyncIterable<string>,
  chains: Chains,
  published: PublishedResults,
  tally: Tally,
): Promise<Compared> {
  const records = new Map<EpochMs, JobWindowRecord[]>()
  for await (const line of lines) {
    const record = readPublished<JobWindowRecord>('job window', line)
    records.set(record.windowStart, [...(records.get(record.windowStart) ?? []), record])
  }
  const expected = expectedShares(chains)
  const last = Math.max(...records.keys())
  let different = 0
  const starts = [...new Set([...expected.keys(), ...records.keys()])].sort((a, b) => a - b)
  const due = starts.filter((start) => start <= last)
  for (const window of due) {
    const differences = differencesIn(records.get(window) ?? [], expected.get(window) ?? [], published, window)
    if (differences.length > 0) different++
    for (const { field, revision, expected: wanted, found } of differences)
      tally.differs({
        partition: null,
        certificate: null,
        window,
        vmId: null,
        revision,
        field,
        expected: wanted,
        found,
      })
  }
  return { compared: due.length, equal: due.length - different, different }
}

interface FieldDifference {
  readonly field: string
  readonly revision: number | null
  readonly expected: Json
  readonly found: Json
}

function differencesIn(
  records: readonly JobWindowRecord[],
  shares: readonly ExpectedShare[],
  published: PublishedResults,
  window: EpochMs,
): readonly FieldDifference[] {
  const sorted = [...records].sort((a, b) => a.revision - b.revision)
  const record = sorted.at(-1)
  if (record === undefined) return [{ field: 'job window', revision: null, expected: 'there', found: null }]
  const { revision } = record
  const differences: FieldDifference[] = []
  const compare = (field: string, expected: Json, found: Json): void => {
    if (JSON.stringify(expected) !== JSON.stringify(found)) differences.push({ field, revision, expected, found })
  }
  const revisions = sorted.map((one) => one.revision)
  compare(
    'job window: revisions',
    Array.from({ length: revision }, (_, index) => index + 1),
    revisions,
  )
  const points = new PointSum()
  for (const { pointsDigest } of shares) points.addText(pointsDigest)
  const weakest = Math.max(...shares.map(({ reason }) => FROM_STRONGEST.indexOf(reason)))
  const count = shares.reduce((sum, share) => sum + share.points, 0)
  compare('job window: reason', FROM_STRONGEST[weakest] ?? null, record.reason)
  compare('job window: points.count', count, record.points.count)
  compare('job window: points.digest', points.text(), record.points.digest)
  compare('job window: vmWindows', published.vmWindowsIn(window), record.vmWindows)
  compare('job window: partitions', shares.map(shownShare), record.partitions.map(shownShare))
  return differences
}

function shownShare({ partition, reason, points, certificate: { sequence, digest } }: RecordedShare): Json {
  return { partition, reason, points, certificate: { sequence, digest } }
}

/** By window: what the last certificates say of each partition. */
function expectedShares(chains: Chains): ReadonlyMap<EpochMs, readonly ExpectedShare[]> {
  const windows = new Map<EpochMs, Map<number, ExpectedShare>>()
  const set = (start: EpochMs, share: ExpectedShare): void => {
    const shares = windows.get(start) ?? new Map<number, ExpectedShare>()
    windows.set(start, shares.set(share.partition, share))
  }
  for (const [partition, chain] of chains) {
    for (const { sequence, digest, window, reason, points, amended } of chain) {
      const certificate = { sequence, digest }
      const of = (why: string, proof: Certificate['points']): ExpectedShare => ({
        ...{ partition, reason: why, points: proof.count, pointsDigest: proof.digest, certificate },
      })
      if (window !== null && reason !== null) set(window.start, of(reason, points))
      for (const one of amended) set(one.window, of(one.reason, one.points))
    }
  }
  return new Map(
    [...windows].map(([start, shares]) => [start, [...shares.values()].sort((a, b) => a.partition - b.partition)]),
  )
}
