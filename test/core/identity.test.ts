/** The contents of points by identity, against a plain map: any order, distance and number of metrics, copies, stored rows. */
import { expect, test } from 'vitest'
import { contentCheck, Identities } from '../../src/core/identity.ts'
import { SeqSet } from '../../src/core/seq-set.ts'

const METRICS = ['m0', 'm1', 'm2']

interface Known {
  readonly seq: number
  readonly metric: string
  readonly offset: number
  readonly check: number
}

function restored(identities: Identities, known: Iterable<Known>): Identities {
  const seqs = METRICS.map(() => new SeqSet(Infinity))
  for (const { seq, metric } of known) seqs[METRICS.indexOf(metric)]?.add(seq)
  const copy = new Identities()
  for (const [i, metric] of METRICS.entries()) {
    for (const row of identities.encode('p', metric, seqs[i] as SeqSet)) copy.load(row)
  }
  return copy
}

test.each([5, 40, 200, 5_000, 100_000])('the holder of every identity is found, with seqs within %d', (span) => {
  let state = 7
  const random = (below: number): number => (state = (state * 48271) % 2147483647) % below
  for (let metrics = 1; metrics <= METRICS.length; metrics++) {
    let identities = new Identities()
    const known = new Map<string, Known>()
    const lowest = random(1_000_000)
    let offset = 1_000
    for (let i = 0; i < 400; i++) {
      const seq = lowest + random(span)
      const metric = METRICS[random(metrics)] as string
      const check = contentCheck(i, random(1_000) / 7)
      offset += 1 + random(9)
      if (known.has(`${seq} ${metric}`)) continue
      identities.add(seq, metric, offset, check)
      known.set(`${seq} ${metric}`, { seq, metric, offset, check })
      if (i % 97 === 96) {
        const original = identities
        identities = original.copy()
        original.add(lowest + span + i, 'm9', offset, check)
      }
      if (i === 200) identities = restored(identities, known.values())
    }
    for (const { seq, metric, offset: at, check } of known.values()) {
      expect(identities.holder(seq, metric)).toEqual({ offset: at, check })
      expect(identities.isSame(seq, metric, check)).toBe(true)
      expect(identities.isSame(seq, metric, check ^ 1)).toBe(false)
    }
  }
})
