/**
 * Plain arrays that hold doubles only, eight bytes each, with no more room than stated. A typed array has an object, a buffer
 * and a store of its own, which is more than most of these hold.
 */

/** No value: it is no whole number, so that an array of it holds doubles from the start. */
export const VACANT = -1.5

/** Slices of such an array are doubles as well and cost a copy of memory; filling a new array costs several times that. */
const BLANK: readonly number[] = Array.from({ length: 512 }, () => VACANT)

/** `length` places, all of them vacant. */
export function vacantDoubles(length: number): number[] {
  if (length <= BLANK.length) return BLANK.slice(0, length)
  const doubles = BLANK.slice()
  while (doubles.length < length) doubles.push(VACANT)
  return doubles
}

/** Room for so many values and for some more: two steps to two dozen values, since most arrays stay small. */
export function roomFor(length: number): number {
  return length <= 8 ? 8 : length <= 24 ? 24 : length + (length >> 1)
}
