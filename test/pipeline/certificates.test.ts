/** Certificates as a partition publishes them: one a window, chained, the same whatever the work was like. */
import { describe, expect, it } from 'vitest'
import type { Certificate } from '../../src/core/certificate.ts'
import { readIndex } from '../../src/ledger/index-chunk.ts'
import { textDigest } from '../../src/ledger/text-digest.ts'
import { isIntact } from '../../src/ledger/seal-certificate.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { MemorySource } from '../support/memory-source.ts'
import { makeFleet, withinGrace } from '../support/fleet.ts'
import { makeJob } from '../support/job.ts'
import { Random } from '../support/random.ts'
import { garbage, manifest, point, recordsOf } from '../support/records.ts'

const certificatesOf = (lines: readonly string[]): Certificate[] => lines.map((line) => JSON.parse(line) as Certificate)

describe('certificates', () => {
  it('state for each window what its records add up to', async () => {
    const job = makeJob(
      recordsOf([
        point('a', 0, 10),
        point('a', 0, 10),
        garbage(),
        point('a', 2, 30),
        manifest('a', 0, 0, 4),
        point('a', 4, 120),
      ]),
    )
    await job.run()
    const [first, second, ...more] = certificatesOf(job.results.certificates)
    expect(more).toEqual([])
    expect(first).toMatchObject({
      job: 'job',
      partition: 0,
      sequence: 1,
      window: { start: 0, end: 100 },
      trigger: 'grace',
      reason: 'grace',
      forced: null,
      offsets: { first: 0, last: 5 },
      counts: { consumed: 6, accepted: 3, duplicate: 1, late: 0, rejected: 1, manifests: 1 },
      watermark: 120,
      vmWindows: 1,
      vmWindowsByReason: { grace: 1 },
      expected: 4,
      received: 2,
      missing: [{ vmId: 'a', producer: '', ranges: [[1, 1], [3, 3]] }], // prettier-ignore
      missingCount: 2,
      points: { count: 2 },
      amended: [],
      results: { count: 1, digest: textDigest(`${job.results.results[0]}\n`) },
      previous: '',
    })
    expect(second).toMatchObject({ sequence: 2, offsets: { first: 6, last: 5 }, previous: first?.digest })
    expect([first, second].every((one) => one !== undefined && isIntact(one))).toBe(true)
  })

  it('are stored next to the ledger, the newest ones, and the ledger has the head of the chain', async () => {
    const records = recordsOf(Array.from({ length: 40 }, (_, i) => point('a', i, i * 100)))
    const job = makeJob(records)
    await job.run()
    const ledger = await job.ledger()
    const certificates = certificatesOf(job.results.certificates)
    const last = certificates.at(-1)
    expect(ledger.certified).toEqual({ sequence: 40, digest: last?.digest, through: 39 })
    if (ledger.index === null) throw new Error('there is no index')
    const index = await readIndex(job.store, ledger.index)
    expect(index.certificates.map((one) => one.sequence)).toEqual(Array.from({ length: 32 }, (_, i) => i + 9))
  })

  it('have digests that do not depend on batches, checkpoints, workflow size or the name of the job', async () => {
    const random = new Random(3)
    const sent = makeFleet(random, { vms: 4, windows: 4, hasManifests: true })
    const records = recordsOf(withinGrace(random, sent), 2)
    const digests = async (job: string, batchSize: number, checkpointEveryRecords: number, vmsPerWorkflow: number) => {
      const one = makeJob(records, {
        job,
        source: new MemorySource({ partitions: [records], batchSize: () => batchSize }),
        limits: { ...DEFAULT_LIMITS, checkpointEveryRecords, vmsPerWorkflow },
      })
      await one.run()
      return certificatesOf(one.results.certificates).map(({ digest }) => digest)
    }
    const expected = await digests('job', 1000, 1_000_000, 1)
    expect(expected).toHaveLength(4)
    expect(await digests('shadow', 1, 3, 1)).toEqual(expected)
    expect(await digests('job', 7, 10, 3)).toEqual(expected)
  })
})
