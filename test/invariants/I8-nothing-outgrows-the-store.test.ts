/** I8: no stored value or workflow payload passes the store's stated limits; a configuration that would is refused at start. */
import { describe, expect, it } from 'vitest'
import { MemoryEngine } from '../support/memory-engine.ts'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import { checkPayload, PAGE_BYTES, worstCaseVmWindowBytes } from '../../src/core/payload-bound.ts'
import { summary } from '../../src/core/summary.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { MAX_LEDGER_BYTES } from '../../src/ledger/ledger.ts'
import type { WorkflowEngine } from '../../src/ports/index.ts'
import { makeJob } from '../support/job.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { totals } from '../support/plan.ts'
import { manifest, point, recordsOf, RULES } from '../support/records.ts'

const RULES_OF_WIDE: Windowing = { ...RULES, maxSeqSpan: 20_000, maxMetricsPerVm: 3, maxProducersPerVm: 2 }

/** A store that refuses every value beyond its limit, and remembers the largest that it took. */
class MeasuringStore extends LedgerHistory {
  largest = 0

  override async insert(key: string, value: string): Promise<'inserted' | 'exists'> {
    const outcome = await super.insert(key, value)
    this.largest = Math.max(this.largest, Buffer.byteLength(value))
    return outcome
  }
}

describe('I8', () => {
  it('the widest VM windows that the rules allow go through a store that is just as large as the check asks for', async () => {
    const needed = [PAGE_BYTES, 2 ** 18].find((bytes) => checkPayload(RULES_OF_WIDE, summary, bytes) === null) ?? 0
    expect(needed).toBeGreaterThan(worstCaseVmWindowBytes(RULES_OF_WIDE, summary) as number)
    const sent = ['a', 'b'].flatMap((vmId) =>
      ['', 'p'.repeat(128)].flatMap((producer) => [
        ...Array.from({ length: 3000 }, (_, i) =>
          point(vmId, i * 6 + (i % 3), 10 + (i % 80), (-1) ** i * 1.02 ** (i / 3), { producer, metric: `m${i % 3}` }),
        ),
        manifest(vmId, 0, 0, 18_000, { producer }),
      ]),
    )
    const store = new MeasuringStore(needed)
    const job = makeJob(recordsOf(sent), { store, rules: RULES_OF_WIDE })
    const inner = new MemoryEngine({ store, aggregator: summary })
    const payloads: number[] = []
    const engine: WorkflowEngine = {
      start: (id, input) => {
        payloads.push(Buffer.byteLength(input))
        return inner.start(id, input)
      },
      poll: (id) => inner.poll(id),
      purge: (id) => inner.purge(id),
    }
    await job.run({ engine })
    const published = job.results.results.map((line) => JSON.parse(line) as { reason: string; missingCount: number })
    expect(published.map((one) => [one.reason, one.missingCount])).toEqual([
      ['grace', 30_000],
      ['grace', 30_000],
    ])
    expect(Math.max(...payloads)).toBeLessThan(needed)
    expect(store.largest).toBeGreaterThan(10_000)
    for (const ledger of store.ledgers)
      expect(Buffer.byteLength(JSON.stringify(ledger))).toBeLessThanOrEqual(MAX_LEDGER_BYTES)
  })

  it('a configuration whose worst VM window does not fit is refused, with the number to change', () => {
    const worst = worstCaseVmWindowBytes(RULES_OF_WIDE, summary) as number
    expect(checkPayload({ ...RULES_OF_WIDE, maxMetricsPerVm: 1000 }, summary, 2 ** 20)?.setting).toBe('maxMetricsPerVm')
    expect(checkPayload({ ...RULES_OF_WIDE, maxSeqSpan: 1e7 }, summary, 2 ** 20)?.setting).toBe('maxSeqSpan')
    expect(checkPayload({ ...RULES_OF_WIDE, maxMetricsPerVm: 5 }, summary, Math.max(worst, PAGE_BYTES))).not.toBeNull()
  })

  it("a user's accumulator without a bound costs its own VM window, never the partition", async () => {
    const hoarding: AnyAggregator = {
      ...totals,
      maxBytesPerMetric: null,
      create: () => ({ count: 0, sum: 0, text: '' }),
      add: (acc: { count: number; sum: number; text: string }, { vmId }) => ({
        count: acc.count + 1,
        sum: acc.sum,
        text: vmId === 'wide' ? acc.text + 'x'.repeat(1000) : '',
      }),
      result: (acc: { count: number }) => ({ count: acc.count }),
      encode: (acc: object) => ({ ...acc }),
      decode: (json) => ({ ...(json as object) }),
    }
    const sent = Array.from({ length: 300 }, (_, seq) => [point('wide', seq, 10), point('small', seq, 10)]).flat()
    const job = makeJob(recordsOf(sent), { aggregator: hoarding, store: new LedgerHistory(256 * 1024) })
    await expect(job.run()).resolves.toMatchObject({ counts: { accepted: 600 } })
    const published = job.results.results.map(
      (line) => JSON.parse(line) as { vmId: string; reason: string; received: number },
    )
    expect(published.map((one) => [one.vmId, one.reason, one.received])).toEqual([
      ['small', 'grace', 300],
      ['wide', 'quarantined', 300],
    ])
  })
})
