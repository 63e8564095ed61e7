/** Certificates in Avro single-object encoding, and back to the same JSON line. */
import type { Certificate, PointsProof, ProducerRanges } from '../../core/certificate.ts'
import { canonicalJson } from '../../core/json.ts'
import { createLineDecoder, type LineDecoder } from './decode-line.ts'
import { headerOf, Writer } from './writer.ts'

const FATES = ['consumed', 'accepted', 'duplicate', 'late', 'rejected', 'manifests'] as const
/** Does not compile when a member of the certificate is missing here: the schema and both functions must have it too. */
const MEMBERS: Readonly<Record<keyof Certificate, true>> = {
  format: true,
  job: true,
  partition: true,
  sequence: true,
  window: true,
  trigger: true,
  reason: true,
  forced: true,
  offsets: true,
  counts: true,
  watermark: true,
  vmWindows: true,
  vmWindowsByReason: true,
  expected: true,
  received: true,
  missing: true,
  missingCount: true,
  unexpected: true,
  unexpectedCount: true,
  points: true,
  amended: true,
  promoted: true,
  results: true,
  previous: true,
  digest: true,
}

/** Bytes of a published line. Throws a TypeError for a line with a member that the schema lacks, rather than drop it. */
export function createCertificateEncoder(): (line: string) => Buffer {
  const header = headerOf('certificate')
  const writer = new Writer()
  const writeLong = (value: number): void => writer.writeLong(value)
  const writeString = (value: string): void => writer.writeString(value)
  const writeProof = ({ count, digest }: PointsProof): void => {
    writer.writeLong(count)
    writer.writeString(digest)
  }
  const writeRanges = ({ vmId, producer, ranges }: ProducerRanges): void => {
    writer.writeString(vmId)
    writer.writeString(producer)
    writer.writeList(ranges, ([first, last]) => {
      writer.writeLong(first)
      writer.writeLong(last)
    })
  }

  return (line) => {
    const one = JSON.parse(line) as Certificate
    const unknown = Object.keys(one).find((name) => !Object.hasOwn(MEMBERS, name))
    if (unknown !== undefined) throw new TypeError(`schemas/certificate.avsc has no field for ${unknown}`)
    writer.begin(header)
    writer.writeLong(one.format)
    writer.writeString(one.job)
    writer.writeLong(one.partition)
    writer.writeLong(one.sequence)
    writer.writeNullable(one.window, ({ start, end }) => {
      writer.writeLong(start)
      writer.writeLong(end)
    })
    writer.writeNullable(one.trigger, writeString)
    writer.writeNullable(one.reason, writeString)
    writer.writeNullable(one.forced, ({ who, why }) => {
      writer.writeString(who)
      writer.writeString(why)
    })
    writer.writeLong(one.offsets.first)
    writer.writeLong(one.offsets.last)
    for (const fate of FATES) writer.writeLong(one.counts[fate])
    writer.writeNullable(one.watermark, writeLong)
    writer.writeLong(one.vmWindows)
    writer.writeList(Object.entries(one.vmWindowsByReason), ([reason, count]) => {
      writer.writeString(reason)
      writer.writeLong(count)
    })
    writer.writeNullable(one.expected, writeLong)
    writer.writeLong(one.received)
    writer.writeList(one.missing, writeRanges)
    writer.writeLong(one.missingCount)
    writer.writeList(one.unexpected, writeRanges)
    writer.writeLong(one.unexpectedCount)
    writeProof(one.points)
    writer.writeList(one.amended, ({ window, vmWindows, points, reason }) => {
      writer.writeLong(window)
      writer.writeLong(vmWindows)
      writeProof(points)
      writer.writeString(reason)
    })
    writer.writeLong(one.results.count)
    writer.writeString(one.results.digest)
    writer.writeString(one.previous)
    writer.writeString(one.digest)
    writer.writeNullable(one.promoted ?? null, ({ who, why, replay, windows, vmWindows, following }) => {
      writer.writeString(who)
      writer.writeString(why)
      writer.writeString(replay)
      writer.writeLong(windows.first)
      writer.writeLong(windows.last)
      writer.writeLong(vmWindows)
      writer.writeLong(following)
    })
    return writer.end()
  }
}

type StoredRanges = Omit<ProducerRanges, 'ranges'> & {
  readonly ranges: readonly { readonly firstSeq: number; readonly lastSeq: number }[]
}

interface StoredCertificate extends Omit<Certificate, 'missing' | 'unexpected' | 'promoted'> {
  readonly promoted: Certificate['promoted'] | null
  readonly missing: readonly StoredRanges[]
  readonly unexpected: readonly StoredRanges[]
}

/** Lines from bytes of any version of the schema; the line is the one that was published, byte for byte. */
export function createCertificateDecoder(): LineDecoder {
  return createLineDecoder('certificate', (value) => {
    const { promoted, ...stored } = value as unknown as StoredCertificate
    const certificate: Certificate = {
      ...stored,
      ...(promoted === null || promoted === undefined ? {} : { promoted }),
      missing: stored.missing.map(toRanges),
      unexpected: stored.unexpected.map(toRanges),
    }
    return canonicalJson(certificate)
  })
}

function toRanges({ ranges, ...of }: StoredRanges): ProducerRanges {
  return { ...of, ranges: ranges.map(({ firstSeq, lastSeq }) => [firstSeq, lastSeq]) }
}
