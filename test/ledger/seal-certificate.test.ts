import { describe, expect, it } from 'vitest'
import { CERTIFICATE_FORMAT, type Certificate } from '../../src/core/certificate.ts'
import { NO_FATES } from '../../src/core/fate.ts'
import { isIntact, sealCertificate } from '../../src/ledger/seal-certificate.ts'

const NO_POINTS = { count: 0, digest: '0'.repeat(32) }
const UNSEALED: Omit<Certificate, 'digest'> = {
  format: CERTIFICATE_FORMAT,
  job: 'job',
  partition: 3,
  sequence: 1,
  window: { start: 0, end: 100 },
  trigger: 'complete',
  reason: 'complete',
  forced: null,
  offsets: { first: 0, last: 9 },
  counts: NO_FATES,
  watermark: 99,
  vmWindows: 1,
  vmWindowsByReason: { complete: 1 },
  expected: 2,
  received: 2,
  missing: [],
  missingCount: 0,
  unexpected: [],
  unexpectedCount: 0,
  points: NO_POINTS,
  amended: [],
  results: { count: 1, digest: 'r' },
  previous: '',
}

describe('the digest of a certificate', () => {
  it('does not depend on the name of the job', () => {
    expect(sealCertificate({ ...UNSEALED, job: 'shadow' }).digest).toBe(sealCertificate(UNSEALED).digest)
  })

  it.each(Object.keys(UNSEALED).filter((member) => member !== 'job'))('covers %s', (member) => {
    const sealed = sealCertificate(UNSEALED)
    expect(isIntact(sealed)).toBe(true)
    expect(isIntact({ ...sealed, [member]: 'changed' })).toBe(false)
  })
})
