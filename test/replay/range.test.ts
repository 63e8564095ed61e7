import { describe, expect, test } from 'vitest'
import type { Certificate } from '../../src/core/certificate.ts'
import { selectRange, type ReplaySelection } from '../../src/replay/range.ts'

/** Windows of 100 ms; partition 0 closes one each 10 records, partition 1 each 20. */
const CERTIFICATES = [0, 1].flatMap((partition) =>
  [0, 1, 2].map((n) => ({
    ...{ partition, sequence: n + 1, window: { start: n * 100, end: n * 100 + 100 } },
    amended: [],
    offsets: { first: 0, last: (n + 1) * 10 * (partition + 1) - 1 },
  })),
) as unknown as Certificate[]

const shortOf = ({ replayed, windows }: ReplaySelection) => ({
  replayed: [...replayed].map(([partition, list]) => `${partition}: ${list.map((one) => one.sequence).join(' ')}`),
  windows: [...windows],
})

describe('a range', () => {
  test('without bounds is all that has closed', () => {
    expect(shortOf(selectRange(CERTIFICATES, { from: null, to: null }))).toEqual({
      ...{ replayed: ['0: 1 2 3', '1: 1 2 3'], windows: [0, 100, 200] },
    })
  })

  test('from a time compares the windows from it on, and replays what they rest on', () => {
    expect(shortOf(selectRange(CERTIFICATES, { from: { at: 100 }, to: null }))).toEqual({
      ...{ replayed: ['0: 1 2 3', '1: 1 2 3'], windows: [100, 200] },
    })
  })

  test('to a time ends before the window that begins there', () => {
    expect(shortOf(selectRange(CERTIFICATES, { from: null, to: { at: 200 } }))).toEqual({
      ...{ replayed: ['0: 1 2', '1: 1 2'], windows: [0, 100] },
    })
  })

  test('of offsets compares only windows that lie in it in every partition', () => {
    expect(shortOf(selectRange(CERTIFICATES, { from: null, to: { offset: 20 } }))).toEqual({
      ...{ replayed: ['0: 1 2', '1: 1'], windows: [0] },
    })
    expect(shortOf(selectRange(CERTIFICATES, { from: { offset: 15 }, to: null }))).toMatchObject({
      windows: [100, 200],
    })
  })

  test('leaves out a window that a certificate behind it amends', () => {
    const [first, second, third, ...more] = CERTIFICATES as [Certificate, Certificate, Certificate]
    const amending = { ...third, amended: [{ window: 0 }] } as unknown as Certificate
    const range = { from: null, to: { at: 200 } }
    expect(shortOf(selectRange([first, second, amending, ...more], range))).toMatchObject({ windows: [100] })
  })

  test('certificates that come out of order are put in theirs', () => {
    expect(shortOf(selectRange(CERTIFICATES.toReversed(), { from: null, to: null })).replayed).toEqual([
      ...['0: 1 2 3', '1: 1 2 3'],
    ])
  })
})
