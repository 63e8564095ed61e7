/**
 * Pins: a record of several entries is one record with as many fates as entries, also if a source divides it; entries without a
 * reading fill their place without a value; points without a seq are identified by their time.
 */
import { describe, expect, it } from 'vitest'
import { decodedEntries, divide } from '../../src/core/entries.ts'
import { isBalanced } from '../../src/core/fate.ts'
import { contentCheck } from '../../src/core/identity.ts'
import { PartitionState } from '../../src/core/partition-state.ts'
import type { DataPoint, Decoded, DecodedEntry } from '../../src/core/point.ts'
import { ProducerWindow } from '../../src/core/producer-window.ts'
import { summary } from '../../src/core/summary.ts'
import { deadLetterRow } from '../../src/ledger/dead-letter.ts'
import { nameLetter } from '../../src/dead-letters/letter.ts'
import { canonicalJson } from '../../src/core/json.ts'
import { garbage, manifest, point, recordsOf, RULES } from '../support/records.ts'

const entriesOfAll = (...decoded: Decoded[]): Decoded => ({ kind: 'entries', entries: decoded.flatMap(decodedEntries) })
const noReading = (
  vmId: string,
  seq: number | null,
  timestamp: number,
  more: Partial<DataPoint> = {},
): DecodedEntry => ({
  kind: 'no-reading',
  point: { vmId, producer: '', metric: 'cpu', timestamp, seq, value: Number.NaN, ...more },
})

function folded(decoded: readonly Decoded[], rules = RULES) {
  const state = new PartitionState(rules, summary)
  const refused: string[] = []
  for (const record of recordsOf(decoded)) {
    const refusal = state.fold(record, ({ reason }, index) => refused.push(`${record.offset}:${index} ${reason}`))
    if (refusal !== null) refused.push(`${record.offset} ${refusal.reason}`)
    expect(isBalanced(state.counts)).toBe(true)
  }
  return { state, counts: state.counts, refused, vm: (id: string) => state.windows.get(0)?.vms.get(id) }
}

describe('a record of several entries', () => {
  const wide = entriesOfAll(point('a', 0, 10), point('a', 0, 10, 2, { metric: 'mem' }), garbage())

  it('is one record; each entry has its own fate, and a bad one spoils no other', () => {
    const { counts, refused, vm } = folded([wide, wide, point('a', 1, 20)])
    expect(counts).toMatchObject({ consumed: 3, extra: 4, accepted: 3, duplicate: 2, rejected: 2 })
    expect(refused).toEqual(['0:2 undecodable', '1:2 undecodable'])
    expect(vm('a')?.receivedCount).toBe(3)
  })

  it('shares its seq, so that a manifest of samples needs all of its metrics', () => {
    const { vm } = folded([wide, point('a', 1, 20), manifest('a', 0, 0, 2)])
    expect(vm('a')?.producers.get('')?.isComplete).toBe(false)
    const whole = folded([
      wide,
      entriesOfAll(point('a', 1, 20), point('a', 1, 20, 2, { metric: 'mem' })),
      manifest('a', 0, 0, 2),
    ])
    expect(whole.vm('a')?.producers.get('')?.isComplete).toBe(true)
  })

  it('that a source divides by VM is still counted once', () => {
    const batch = entriesOfAll(point('a', 0, 10), point('b', 0, 10), garbage(), point('a', 1, 20))
    const parts = [...divide(batch, (entry) => (entry.kind === 'point' ? entry.point.vmId : ''))]
    expect(parts.map(([vmId, part]) => [vmId, decodedEntries(part).length])).toEqual([
      ['a', 2],
      ['b', 1],
      ['', 1],
    ])
    const { counts, refused } = folded(parts.map(([, part]) => part))
    expect(counts).toMatchObject({ consumed: 1, extra: 3, accepted: 3, rejected: 1 })
    expect(refused).toEqual(['2:0 undecodable'])
    // The dead letter names the entry by its position in the record.
    const [record] = recordsOf([(parts[2] as [string, Decoded])[1]])
    const letter = deadLetterRow(1, record as NonNullable<typeof record>, { reason: 'invalid', detail: 'x' }, 0)
    expect(letter.entry).toBe(2)
    expect(nameLetter(canonicalJson(letter), null).id).toBe('1:0:2')
  })
})

describe('an entry without a reading', () => {
  it('takes its place without a value: it is neither missing nor received', () => {
    const { counts, vm } = folded([
      point('a', 0, 10),
      noReading('a', 1, 20),
      noReading('a', 1, 20),
      manifest('a', 0, 0, 2),
    ])
    expect(counts).toMatchObject({ consumed: 4, accepted: 1, noReading: 1, duplicate: 1, manifests: 1 })
    const producer = vm('a')?.producers.get('')
    expect([producer?.isComplete, producer?.missingCount, producer?.receivedCount, vm('a')?.noReadings]).toEqual([
      true,
      0,
      1,
      1,
    ])
  })

  it('fills the slot of a cadence', () => {
    const { vm } = folded([point('a', null, 0), noReading('a', null, 50)], {
      ...RULES,
      expectEveryMs: 50,
      identity: 'time',
    })
    expect(vm('a')?.producers.get('')?.isComplete).toBe(true)
    expect(vm('a')?.receivedCount).toBe(1)
  })

  it('conflicts with a value under the same identity', () => {
    expect(folded([noReading('a', 1, 20), point('a', 1, 20)]).refused).toEqual(['1 conflict'])
  })

  it('changes nothing in a window that has closed', () => {
    const state = new PartitionState({ ...RULES, graceMs: 0, quorum: 0 }, summary)
    const records = recordsOf([point('a', 0, 10), point('a', 1, 150), noReading('a', 2, 20)])
    state.fold(records[0] as (typeof records)[0])
    state.fold(records[1] as (typeof records)[0])
    state.close(state.due() as NonNullable<ReturnType<typeof state.due>>)
    state.fold(records[2] as (typeof records)[0])
    expect(state.counts).toMatchObject({ accepted: 2, noReading: 1, late: 0 })
    expect(state.late.hasPending).toBe(false)
  })
})

describe('a point without a seq', () => {
  const rules = { ...RULES, identity: 'time' as const }
  const records = [
    point('a', null, 10),
    point('a', null, 10),
    point('a', null, 10, 2),
    point('a', null, 10, 2, { metric: 'mem' }),
  ]

  it('is identified by its VM, metric and time', () => {
    const { counts, refused, vm } = folded(records, rules)
    expect(counts).toMatchObject({ accepted: 2, duplicate: 1, conflict: 1 })
    expect(refused).toEqual(['2 conflict'])
    expect(vm('a')?.receivedCount).toBe(2)
  })

  it('is counted and never deduplicated in a job of an earlier version', () => {
    expect(folded(records).counts).toMatchObject({ accepted: 4 })
  })

  it('is recognized after a restart, from what is stored of it', () => {
    const producer = new ProducerWindow(RULES.maxSeqSpan, null)
    const times = Array.from({ length: 5000 }, (_, i) => i * 1000 - 2_000_000)
    for (const [i, timestamp] of times.entries()) {
      expect(producer.addByTime(at(timestamp), 10 + i, contentCheck(timestamp, 1))).toBe('added')
    }
    const restored = ProducerWindow.decode(producer.encode(), RULES.maxSeqSpan, null)
    for (const row of producer.encodeContents('')) restored.loadContents(JSON.parse(JSON.stringify(row)) as typeof row)
    restored.settleContents()
    expect(restored.unsequenced).toBe(5000)
    for (const timestamp of [times[0] as number, 0, times[4999] as number]) {
      expect(restored.addByTime(at(timestamp), 9999, contentCheck(timestamp, 1))).toBe('duplicate')
      expect(restored.addByTime(at(timestamp), 9999, contentCheck(timestamp, 2))).toBe('conflict')
    }
    expect(restored.holderOf(at(times[3] as number))).toBe(13)
    expect(restored.addByTime(at(5), 9999, contentCheck(5, 1))).toBe('added')
    expect(restored.copy().addByTime(at(5), 9999, contentCheck(5, 1))).toBe('duplicate')
  })

  it('has as many points per metric as seqs have a span', () => {
    const producer = new ProducerWindow(1, null)
    const added = [0, 10, 20].map((timestamp) => producer.addByTime(at(timestamp), 0, 0))
    expect(added).toEqual(['added', 'added', 'beyond-span'])
  })
})

function at(timestamp: number): DataPoint {
  return { vmId: 'a', producer: '', metric: 'cpu', timestamp, seq: null, value: 1 }
}
