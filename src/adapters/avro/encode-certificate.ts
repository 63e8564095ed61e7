/** Certificates in Avro: from the published JSON line to bytes, and from bytes back to the same line. */
import type { Certificate, ProducerRanges } from '../../core/certificate.ts'
import { canonicalJson } from '../../core/json.ts'
import { createLineDecoder, type LineDecoder } from './decode-line.ts'
import { toRange, toRangeRecord, type RangeRecord } from './seq-range.ts'
import { createObjectEncoder } from './single-object.ts'

/** Returns an encoder of published lines. It throws a TypeError for a line that the schema does not fit. */
export function createCertificateEncoder(): (line: string) => Buffer {
  const encode = createObjectEncoder('certificate')
  return (line) => {
    const certificate = JSON.parse(line) as Certificate
    const { missing, unexpected } = certificate
    return encode({ ...certificate, missing: missing.map(toStored), unexpected: unexpected.map(toStored) })
  }
}

type StoredRanges = Omit<ProducerRanges, 'ranges'> & { readonly ranges: readonly RangeRecord[] }
type StoredCertificate = Omit<Certificate, 'missing' | 'unexpected'> & {
  readonly [list in 'missing' | 'unexpected']: readonly StoredRanges[]
}

/** Returns a decoder of any version of the schema. The line is the one that was published, byte for byte. */
export function createCertificateDecoder(): LineDecoder {
  return createLineDecoder('certificate', (value) => {
    const stored = value as unknown as StoredCertificate
    const { missing, unexpected } = stored
    const certificate: Certificate = { ...stored, missing: missing.map(toRanges), unexpected: unexpected.map(toRanges) }
    return canonicalJson(certificate)
  })
}

function toStored({ ranges, ...of }: ProducerRanges): StoredRanges {
  return { ...of, ranges: ranges.map(toRangeRecord) }
}

function toRanges({ ranges, ...of }: StoredRanges): ProducerRanges {
  return { ...of, ranges: ranges.map(toRange) }
}
