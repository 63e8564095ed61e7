/** The selection of certificates to check, of the records to read for them, and of those that are lost. */
import { expect, test } from 'vitest'
import type { Certificate } from '../../src/core/certificate.ts'
import { select, type TimeRange } from '../../src/verify/selection.ts'
import { RULES } from '../support/records.ts'

const SIZE = 100
/** Certificate n closes [n - 1, n) · SIZE with ten records, and its watermark is the end of its window. */
const CHAIN = Array.from({ length: 10 }, (_, i) => ({
  ...{ partition: 3, sequence: i + 1, offsets: { first: i * 10, last: i * 10 + 9 } },
  ...{ window: { start: i * SIZE, end: (i + 1) * SIZE }, watermark: (i + 1) * SIZE, amended: [] },
})) as unknown as Certificate[]
const rules = { ...RULES, sizeMs: SIZE, rosterWindows: 2, amendWindows: 1 }
const EVERYTHING: TimeRange = { from: null, to: null }

function selected(range: TimeRange, logStart = 0) {
  const found = select(CHAIN, range, logStart, rules)
  if (found === null) return null
  if (!('certificates' in found)) return { lost: found.lost }
  const { certificates, firstChecked, ...rest } = found
  const [first, last] = [certificates[firstChecked], certificates.at(-1)]
  return { ...rest, passed: firstChecked, checked: [first?.sequence, last?.sequence] }
}

test('a whole job is recounted from the first record', () => {
  expect(selected(EVERYTHING)).toMatchObject({
    checked: [1, 10],
    passed: 0,
    readFrom: 0,
    readTo: 100,
    beginning: null,
    lost: null,
  })
})

test('reading for a range begins early enough to know roster and late points', () => {
  // Three windows before that of certificate 8 are whole: 5, 6 and 7. Window 5 begins at 400, at or under the watermark of 4.
  expect(selected({ from: { atMs: 700 }, to: null })).toMatchObject({
    ...{ checked: [8, 10], readFrom: 30, readTo: 100, passed: 4 },
    beginning: { closedThrough: 200, wholeFrom: 400, watermark: 300 },
  })
})

test('a range ends with its last certificate', () => {
  expect(selected({ from: null, to: { offset: 49 } })).toMatchObject({ checked: [1, 5], readTo: 50 })
  expect(selected({ from: { offset: 70 }, to: { atMs: 900 } })).toMatchObject({ checked: [8, 9], readTo: 90 })
  expect(selected({ from: { atMs: 5000 }, to: null })).toBeNull()
})

test('a range near the first record is recounted from the first record', () => {
  expect(selected({ from: { atMs: 200 }, to: null })).toMatchObject({
    checked: [3, 10],
    passed: 2,
    readFrom: 0,
    beginning: null,
  })
})

test('certificates whose records are gone, or that need records before them, are lost, and the others are checked', () => {
  expect(selected(EVERYTHING, 30)).toMatchObject({
    checked: [8, 10],
    readFrom: 30,
    lost: { partition: 3, certificates: [1, 7], windows: [0, 700], neededFrom: 0, logStart: 30 },
  })
  expect(selected({ from: { atMs: 700 }, to: null }, 30)).toMatchObject({ checked: [8, 10], lost: null })
  expect(selected(EVERYTHING, 95)).toEqual({
    lost: { partition: 3, certificates: [1, 10], windows: [0, 1000], neededFrom: 0, logStart: 95 },
  })
})

test('if the first certificates are missing, all records are read', () => {
  expect(select(CHAIN.slice(1), EVERYTHING, 0, rules)).toMatchObject({ readFrom: 0, lost: null, firstChecked: 0 })
})
