/** Checks the chain of a partition's certificates: none is missing or changed, and each links to the one before it. */
import { createHash } from 'node:crypto'
import type { Certificate } from '../core/certificate.ts'
import { canonicalJson } from '../core/json.ts'
import { Fields, type FieldDifference } from './report.ts'

/** The digest of all members except `job` and `digest`, as specified in docs/reference/certificates.md. */
export function digestOf({ job: _job, digest: _digest, ...sealed }: Certificate): string {
  return createHash('sha256').update(canonicalJson(sealed)).digest('base64url')
}

/** `before`: the certificate published before it; `null` for the first of the partition. */
export function compareLink(before: Certificate | null, certificate: Certificate): FieldDifference[] {
  const fields = new Fields()
  fields.compare('sequence', (before?.sequence ?? 0) + 1, certificate.sequence)
  fields.compare('digest', digestOf(certificate), certificate.digest)
  fields.compare('previous', before?.digest ?? '', certificate.previous)
  if (before !== null) fields.compare('offsets.first', before.offsets.last + 1, certificate.offsets.first)
  return fields.differences
}
