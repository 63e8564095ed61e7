/** What a run reports of its fleet: VMs far ahead of the others, and VMs in two partitions, each once, with the cause. */
import { describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/core/murmur2.ts'
import { QuorumClock } from '../../src/core/quorum-clock.ts'
import { AheadWatch, ProcessVms } from '../../src/pipeline/fleet-watch.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { makeJob } from '../support/job.ts'
import { point, recordsOf, RULES } from '../support/records.ts'

const CLOCK = { quorum: 0.5, graceMs: 10, sizeMs: 100, rosterWindows: 3 }
const HEAD = { start: 0, end: 100 }

function ofKind<Kind extends PipelineEvent['kind']>(events: readonly PipelineEvent[], kind: Kind) {
  return events.filter((event): event is PipelineEvent & { readonly kind: Kind } => event.kind === kind)
}

describe('a VM that is far ahead of the others', () => {
  it('is reported once, when another VM has sent a record since', () => {
    const clock = new QuorumClock(CLOCK)
    const watch = new AheadWatch(clock)
    clock.setHead(HEAD, ['a', 'b', 'far'])
    clock.advance(clock.clockOf('a'), 50, 1)
    clock.advance(clock.clockOf('far'), 5_000, 2)
    expect(watch.fresh(0, 2)).toEqual([])
    clock.advance(clock.clockOf('b'), 60, 3)
    expect(watch.fresh(0, 3)).toEqual([{ vmId: 'far', highest: 5_000 }])
    clock.advance(clock.clockOf('far'), 6_000, 4)
    clock.advance(clock.clockOf('a'), 61, 5)
    expect(watch.fresh(0, 5)).toEqual([])
  })

  it('is not reported if it is merely the first to continue after a pause', () => {
    const clock = new QuorumClock(CLOCK)
    const watch = new AheadWatch(clock)
    clock.setHead(HEAD, ['a', 'b', 'c'])
    for (const [i, vmId] of ['a', 'b', 'c'].entries()) clock.advance(clock.clockOf(vmId), 50, i + 1)
    clock.advance(clock.clockOf('a'), 50_000, 4)
    expect(watch.fresh(0, 4)).toEqual([])
    clock.advance(clock.clockOf('b'), 50_001, 5)
    expect(watch.fresh(0, 5)).toEqual([])
  })

  it('is reported by the run, and again by the next owner, while its points wait', async () => {
    const list = Array.from({ length: 40 }, (_, i) => [point('a', i, i * 20), point('b', i, i * 20 + 1), point('c', i, i * 20 + 2), point('far', i, i * 20 + (i < 5 ? 3 : 1_000_000))]) // prettier-ignore
    const job = makeJob(recordsOf(list.flat()), { rules: { ...RULES, rosterWindows: 2 } })
    const stop = new AbortController()
    const observe = (event: PipelineEvent): void => {
      job.events.push(event)
      if (event.kind === 'folded' && event.counts.consumed >= 120) stop.abort()
    }
    await job.run({ observe }, stop.signal)
    const named = ofKind(job.events, 'vms-ahead')
    expect(named).toHaveLength(1)
    expect(named[0]).toMatchObject({ partition: 0, count: 1, vms: [{ vmId: 'far' }] })
    // It has left the roster by now, and is still counted.
    expect(ofKind(job.events, 'folded').at(-1)?.ahead).toBe(1)

    const before = job.events.length
    await job.run()
    const after = job.events.slice(before)
    expect(ofKind(after, 'recovered').map(({ ahead }) => ahead)).toEqual([1])
    expect(ofKind(after, 'vms-ahead').map(({ vms }) => vms.map(({ vmId }) => vmId))).toEqual([['far']])
  })
})

describe('a VM in two partitions', () => {
  const clockWith = (...vmIds: string[]): QuorumClock => {
    const clock = new QuorumClock(CLOCK)
    for (const vmId of vmIds) clock.clockOf(vmId)
    return clock
  }

  it('is found by the partition that gets it second, once', () => {
    const vms = new ProcessVms(8)
    vms.enter(1, clockWith('a', 'b'))
    const second = clockWith('c', 'a')
    vms.enter(5, second)
    const expected = partitionOf('a', 8)
    expect(vms.findSplit(second.takeNewcomers())).toEqual([{ vmId: 'a', partitions: [1, 5], expected }])
    expect(vms.findSplit(['a'])).toEqual([])
    expect(vms.splitCount).toBe(1)
  })

  it('is forgotten when one of the partitions is handed over, and when its VM has left one of them', () => {
    const vms = new ProcessVms(8)
    const clocks = [clockWith('a', 'b'), clockWith('a', 'b')]
    clocks.forEach((clock, partition) => vms.enter(partition, clock))
    vms.findSplit(['a', 'b'])
    clocks[1]?.keepOnly((vmId) => vmId === 'b')
    vms.forgetMoved()
    expect(vms.splitCount).toBe(1)
    vms.leave(1)
    expect(vms.splitCount).toBe(0)
  })

  it('is reported by a run that works on both, as soon as the second record is folded', async () => {
    const vms = new ProcessVms(8)
    vms.enter(3, clockWith('b'))
    const job = makeJob(recordsOf([point('a', 0, 10), point('b', 0, 20), point('b', 1, 30)]), { vms })
    await job.run()
    const expected = partitionOf('b', 8)
    expect(ofKind(job.events, 'vms-in-two-partitions')).toEqual([
      {
        ...{ kind: 'vms-in-two-partitions', partition: 0, window: 0, count: 1 },
        vms: [{ vmId: 'b', partitions: [0, 3], expected }],
      },
    ])
    expect(ofKind(job.events, 'folded').at(-1)?.split).toBe(1)
    expect(vms.splitCount).toBe(0)
  })
})
