/** What a certificate says of a window: sums over its VM windows, and lists that stay within their bound. */
import { describe, expect, it } from 'vitest'
import { closeVmWindow, type VmWindowTask } from '../../src/core/close-vm-window.ts'
import { PointDigest } from '../../src/core/point-digest.ts'
import type { DataPoint } from '../../src/core/point.ts'
import { summary } from '../../src/core/summary.ts'
import { VmWindow } from '../../src/core/vm-window.ts'
import { addPoints, NO_POINTS, WindowProof } from '../../src/core/window-proof.ts'
import { addTo, promiseTo, RULES } from '../support/records.ts'

/** A VM window of these seqs, of which `promised` were promised from 0 on. */
function vmWindow(vmId: string, seqs: readonly number[], promised: number | null, points: DataPoint[] = []): VmWindow {
  const vm = new VmWindow(vmId, summary)
  const producer = vm.producer('', RULES)
  for (const seq of seqs) {
    const point = { vmId, producer: '', metric: 'cpu', timestamp: seq, seq, value: seq }
    addTo(producer, seq, point)
    vm.fold(point, summary)
    points.push(point)
  }
  if (promised !== null) promiseTo(producer, 0, promised)
  return vm
}

function proofOf(...windows: readonly VmWindow[]): WindowProof {
  const proof = new WindowProof(RULES)
  for (const vm of windows) {
    const window = vm.encode(summary)
    const isComplete = [...vm.producers.values()].every((producer) => producer.isComplete)
    const reason = isComplete ? 'complete' : 'grace'
    const task: VmWindowTask = { windowStart: 0, windowEnd: 100, revision: 1, reason, silent: [], window, prior: null }
    proof.add(window, closeVmWindow(task, summary, RULES).result)
  }
  return proof
}

describe('the proof of a window', () => {
  it('adds its VM windows up, and names what is missing or unexpected', () => {
    const points: DataPoint[] = []
    const proof = proofOf(vmWindow('a', [0, 1], 2, points), vmWindow('b', [0, 3, 9], 5, points))
    expect(proof).toMatchObject({ vmWindows: 2, received: 5, expected: 7, reason: 'grace' })
    expect(proof.vmWindowsByReason).toEqual({ complete: 1, grace: 1 })
    expect(proof.missing).toMatchObject({
      total: 3,
      entries: [{ vmId: 'b', producer: '', ranges: [[1, 2], [4, 4]] }], // prettier-ignore
    })
    expect(proof.unexpected).toMatchObject({ total: 1, entries: [{ vmId: 'b', producer: '', ranges: [[9, 9]] }] })
    const sums = ['a', 'b'].map((vmId) => {
      const digest = new PointDigest()
      for (const point of points) if (point.vmId === vmId) digest.add(point)
      return { count: points.filter((point) => point.vmId === vmId).length, digest: digest.encode() }
    })
    expect(proof.points).toEqual(sums.reduce(addPoints, NO_POINTS))
  })

  it('does not know what is expected where one VM window does not', () => {
    expect(proofOf(vmWindow('a', [0], 1), vmWindow('b', [0], null)).expected).toBeNull()
  })

  it('of no VM windows says so', () => {
    expect(proofOf()).toMatchObject({ vmWindows: 0, received: 0, points: NO_POINTS, reason: 'complete' })
  })

  it('lists the first of what is missing, and counts all of it', () => {
    const many = Array.from({ length: 300 }, (_, i) => vmWindow(`vm-${String(i).padStart(200, '0')}`, [1], 3))
    const { missing } = proofOf(...many)
    expect(missing.total).toBe(600)
    expect(JSON.stringify(missing.entries).length).toBeLessThan(17 * 1024)
    expect(missing.entries[0]?.vmId).toBe(many[0]?.vmId)
    expect(missing.entries.map(({ vmId }) => vmId)).toEqual(
      many.slice(0, missing.entries.length).map(({ vmId }) => vmId),
    )
  })
})
