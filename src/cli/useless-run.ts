/** The error that ends a command whose input was useless, with the reasons by count and a first example of each. */
import type { RefusedByReason, Uselessness } from '../app/usefulness.ts'
import { WindrowError } from '../errors/index.ts'
import { formatCount, placeText } from '../ui/format.ts'

export function uselessRunError({ problem, reasons, remedy }: Uselessness): WindrowError {
  return new WindrowError(`${problem}${reasons.map((one) => `\n  ${reasonText(one)}`).join('')}`, {
    code: 'INPUT_UNUSABLE',
    remedy,
  })
}

/** Where the first record is, what is wrong with it, and how it begins. */
function reasonText({ reason, count, first }: RefusedByReason): string {
  const counted = `${reason} ${formatCount(count)}`
  if (first === null) return counted
  return `${counted}, the first at ${placeText(first)}: ${first.detail}${first.record === '' ? '' : `: ${first.record}`}`
}
