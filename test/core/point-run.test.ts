import { describe, expect, it } from 'vitest'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import { canonicalJson } from '../../src/core/json.ts'
import { PartitionState } from '../../src/core/partition-state.ts'
import type { Decoded, SourceRecord } from '../../src/core/point.ts'
import { MAX_RUN } from '../../src/core/point-run.ts'
import { summary } from '../../src/core/summary.ts'
import { Random } from '../support/random.ts'
import { manifest, point, recordsOf, RULES } from '../support/records.ts'

/** Lets no point wait: reading a VM window folds the points that wait, and ends its run. */
function endRuns({ windows }: PartitionState): void {
  for (const { vms } of windows.values()) for (const vm of vms.values()) vm.endRun()
}

/** Everything that can be observed of a partition after a record. */
function observed(state: PartitionState): unknown {
  const { counts, head, watermark, clock } = state
  return { counts, head, watermark, due: state.due(), voters: clock.voters, pastEnd: clock.pastEnd }
}

function stored(state: PartitionState): string {
  const windows = [...state.windows.values()].map(({ start, vms }) => ({
    start,
    vms: [...vms.values()].map((vm) => ({
      row: vm.encode(summary),
      contents: [...vm.producers].flatMap(([name, producer]) => producer.encodeContents(name)),
    })),
  }))
  return canonicalJson(JSON.parse(JSON.stringify(windows)))
}

/** Mostly points in order; also disorder, repeated and conflicting records, other metrics and producers, and promises. */
function workload(random: Random): Decoded[] {
  const sent: Decoded[] = []
  const next = new Map<string, number>()
  const perWindow = random.int(5, 60)
  for (let i = 0; i < 400; i++) {
    const vmId = random.pick(['a', 'b', 'c'])
    const producer = random.chance(0.03) ? 'x' : ''
    const key = `${vmId}/${producer}`
    const seq = next.get(key) ?? 0
    next.set(key, seq + 1)
    const at = Math.floor(seq / perWindow) * RULES.sizeMs + Math.floor(((seq % perWindow) * RULES.sizeMs) / perWindow)
    const metric = random.chance(0.02) ? 'memory' : 'cpu'
    sent.push(point(vmId, seq, at, random.int(-50, 50), { producer, metric }))
    const earlier = random.chance(0.04) ? random.pick(sent) : null
    if (earlier?.kind === 'point') {
      const { value } = earlier.point
      sent.push({ kind: 'point', point: { ...earlier.point, value: random.chance(0.5) ? value : value + 1 } })
    }
    if (random.chance(0.03)) next.set(key, seq + random.int(2, 4))
    if (random.chance(0.04)) {
      const first = random.chance(0.8) ? Math.floor(seq / perWindow) * perWindow : seq
      sent.push(manifest(vmId, at - (at % RULES.sizeMs), first, random.int(1, perWindow), { producer }))
    }
  }
  for (let i = 1; i < sent.length; i++) {
    if (random.chance(0.02)) [sent[i - 1], sent[i]] = [sent[i] as Decoded, sent[i - 1] as Decoded]
  }
  return sent
}

describe('a run of points', () => {
  it('changes no decision after any record, and nothing that is stored', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new Random(seed)
      const rules = { ...RULES, maxSeqSpan: random.pick([20, 10_000]), maxMetricsPerVm: random.pick([1, 16]) }
      const [waiting, folded] = [new PartitionState(rules, summary), new PartitionState(rules, summary)]
      for (const record of recordsOf(workload(random), random.int(1, 3))) {
        expect(waiting.fold(record)).toEqual(folded.fold(record))
        endRuns(folded)
        expect(observed(waiting), `seed ${seed}`).toEqual(observed(folded))
        for (let due = waiting.due(); due !== null; due = waiting.due()) {
          const [one, other] = [waiting.close(due), folded.close(due)].map(({ vms, ...closed }) => ({
            ...closed,
            vms: vms.map(({ window, ...vm }) => ({ ...vm, row: window.encode(summary) })),
          }))
          expect(one).toEqual(other)
        }
        if (random.chance(0.02)) expect(stored(waiting)).toBe(stored(folded))
      }
      expect(stored(waiting), `seed ${seed}`).toBe(stored(folded))
    }
  })

  it('leaves the window complete with the last promised point, not later', () => {
    const state = new PartitionState(RULES, summary)
    state.closedThrough = -RULES.sizeMs
    const count = MAX_RUN + 4
    const points = Array.from({ length: count }, (_, seq) => point('a', seq, seq))
    const triggers = recordsOf([points[0] as Decoded, manifest('a', 0, 0, count), ...points.slice(1)]).map((record) => {
      state.fold(record)
      return state.due()?.trigger ?? null
    })
    expect(triggers).toEqual([...Array.from({ length: count }, () => null), 'complete'])
  })

  it("keeps why the user's aggregator failed on a point of it, and calls it for no later one", () => {
    const seen: number[] = []
    const failing = defineAggregator({
      name: 'failing',
      create: () => 0,
      add: (sum, { seq, value, vmId, producer, metric }) => {
        expect([vmId, producer, metric]).toEqual(['a', '', 'cpu'])
        seen.push(seq as number)
        if (seq === 7) throw new Error('seven')
        return sum + value
      },
      merge: (a, b) => a + b,
      result: (sum) => sum,
    })
    const state = new PartitionState(RULES, failing)
    for (const record of recordsOf(Array.from({ length: 12 }, (_, seq): Decoded => point('a', seq, seq)))) {
      state.fold(record satisfies SourceRecord)
    }
    const vm = state.windows.get(0)?.vms.get('a')
    expect([vm?.failure, vm?.receivedCount]).toEqual(['add: seven', 12])
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })
})
