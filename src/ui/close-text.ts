/** Text of the outcome of `windrow close`. Pure. */
import type { CloseReport, PartitionClose } from '../app/close/close.ts'
import { formatCount, formatTime } from './format.ts'
import { createStyle, type Style } from './style.ts'

/** Number of windows that a line lists. */
const MAX_NAMED = 8

/** One line per partition. Partitions without open windows share one line. */
export function closeText({ window, partitions }: CloseReport, style: Style = createStyle(false)): string {
  const isBare = (one: PartitionClose): boolean => one.outcome === 'not-open' && one.open.count === 0
  const bare = partitions.filter(isBare).map(({ partition }) => partition)
  const lines = partitions
    .filter((one) => !isBare(one))
    .map((one) => `partition ${one.partition}: ${outcomeText(one, window.start, style)}`)
  if (bare.length > 0) lines.push(`nothing is open in partition${bare.length > 1 ? 's' : ''} ${bare.join(', ')}`)
  return lines.map((line) => `${line}\n`).join('')
}

function outcomeText(one: PartitionClose, start: number, style: Style): string {
  const window = formatTime(start)
  switch (one.outcome) {
    case 'closed':
      return `${style.green('closed')} ${named(one.closing)}, by commit ${formatCount(one.commit)}`
    case 'not-open':
      return `${style.yellow('nothing done')}: ${window} is not open; ${openText(one.open)}`
    case 'closed-before':
      return `${style.yellow('nothing done')}: ${window} has closed before; ${openText(one.open)}`
    case 'no-owner':
      return `${style.red('no owner')} replied, and the request was withdrawn`
    case 'left':
      return `left for the next owner, which carries it out before it reads further records`
    case 'under-way':
      return `${style.yellow('under way')}: the owner has begun and not finished yet`
  }
}

type Windows = { readonly count: number; readonly windows: readonly number[] }

function openText(open: Windows): string {
  return open.count === 0 ? 'none is' : `open: ${named(open)}`
}

function named({ count, windows }: Windows): string {
  const shown = windows.slice(0, MAX_NAMED).map(formatTime).join(', ')
  const more = count - Math.min(MAX_NAMED, windows.length)
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown
}
