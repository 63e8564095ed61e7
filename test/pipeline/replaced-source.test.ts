/**
 * Pins that records of a source that replaced the job's own are never committed nor published. A topic that is deleted and
 * created again under a run is such a source: the consumer reads it as if nothing had happened.
 */
import { expect, it } from 'vitest'
import { MemorySource } from '../support/memory-source.ts'
import { WindrowError } from '../../src/errors/index.ts'
import type { Source } from '../../src/ports/index.ts'
import { makeJob } from '../support/job.ts'
import { point, recordsOf } from '../support/records.ts'

const RECORDS = recordsOf([point('a', 0, 10), point('a', 1, 130), point('a', 2, 230), point('a', 3, 330)])

/** Is replaced when a record of this offset or a later one has been delivered. */
class ReplacedSource implements Source {
  readonly #source = new MemorySource({ partitions: [RECORDS], batchSize: () => 1 })
  readonly #replacedAt: number
  /** What `confirm` throws once, before it answers. */
  unreachable: WindrowError | null = null
  confirmed = 0
  #delivered = -1

  constructor(replacedAt: number) {
    this.#replacedAt = replacedAt
  }

  async open(partition: number, fromOffset: number) {
    const opened = await this.#source.open(partition, fromOffset)
    const next = async () => {
      const event = await opened.next()
      if (event.kind === 'records') this.#delivered = event.records.at(-1)?.offset ?? this.#delivered
      return event
    }
    return { logStart: opened.logStart, logEnd: opened.logEnd, next, close: () => opened.close() }
  }

  async confirm() {
    const { unreachable } = this
    this.unreachable = null
    if (unreachable !== null) throw unreachable
    this.confirmed++
    if (this.#delivered >= this.#replacedAt) throw new WindrowError('created again', { code: 'TOPIC_RECREATED' })
  }
}

it.each([0, 1, 2, 3])(
  'a source replaced at offset %i: no record from there on is committed or published',
  async (at) => {
    const job = makeJob(RECORDS, { source: new ReplacedSource(at) })
    await expect(job.run()).rejects.toMatchObject({ code: 'TOPIC_RECREATED' })
    const { resumeOffset, commit } = await job.ledger()
    expect(resumeOffset).toBeLessThanOrEqual(at)
    expect(job.results.certificates.length).toBeLessThanOrEqual(commit)
    const windows = job.results.results.map((line) => (JSON.parse(line) as { windowStart: number }).windowStart)
    expect(windows.every((start) => start < at * 100)).toBe(true)
  },
)

it('a source that stays the same is confirmed before every commit, and again after a failed request', async () => {
  const source = new ReplacedSource(Infinity)
  source.unreachable = new WindrowError('no broker', { code: 'KAFKA_UNREACHABLE' })
  const job = makeJob(RECORDS, { source })
  await job.run()
  expect(source.confirmed).toBeGreaterThanOrEqual((await job.ledger()).commit)
  expect(job.results.results).toHaveLength(4)
})
