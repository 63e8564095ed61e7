/** A replay of records that are gone says so, instead of coming to something else. */
import { expect, test } from 'vitest'
import type { Certificate } from '../../src/core/certificate.ts'
import { beginningOf } from '../../src/replay/beginning.ts'

const firstOf = (sequence: number, first: number) =>
  ({ partition: 3, sequence, offsets: { first, last: first + 9 } }) as Certificate

test('it begins at the first record of the job, which need not be the first of the log', () => {
  expect(beginningOf(firstOf(1, 0), 0, 'vm')).toBe(0)
  expect(beginningOf(firstOf(1, 40), 40, 'vm')).toBe(40)
  // The job began behind records that its log still has.
  expect(beginningOf(firstOf(1, 40), 0, 'vm')).toBe(40)
  expect(beginningOf(null, 7, 'vm')).toBe(7)
})

test('records that retention took are DATA_LOSS, with partition and offsets', () => {
  const lost = expect.objectContaining({
    code: 'DATA_LOSS',
    message: expect.stringContaining('partition 3 of vm begins at offset 41 by now, and the job began at 40') as string,
  }) as Error
  expect(() => beginningOf(firstOf(1, 40), 41, 'vm')).toThrow(lost)
})

test('certificates without the first ones do not show where the job began', () => {
  const lost = expect.objectContaining({ code: 'DATA_LOSS' }) as Error
  expect(() => beginningOf(firstOf(5, 40), 0, null)).toThrow(lost)
})
