/** Text of a run's progress: three lines on a terminal, otherwise one line. Pure. */
import type { RunEvent, RunProgress } from '../app/types.ts'
import { bar, sparkline } from './charts.ts'
import { formatCompact, formatCount, formatDuration, formatTime } from './format.ts'
import type { Style } from './style.ts'

const BAR_WIDTH = 20

export type WindowClosed = Extract<RunEvent, { kind: 'window-closed' }>

/** The lines that a terminal redraws in place. */
export function liveLines(
  now: RunProgress,
  recentRates: readonly number[],
  lastClosed: WindowClosed | null,
  style: Style,
): string[] {
  if (now.reading !== null) return [readingText(now.reading)]
  const rate = `${style.bold(formatCompact(now.pointsPerSecond))} points/s ${sparkline(recentRates)}`
  const read = now.available === null ? '' : ` of ${formatCount(now.available)}${leftText(now)}`
  const closing = `[${bar(now.vmWindowsDone, now.vmWindowsTotal, BAR_WIDTH)}] ${formatCount(now.vmWindowsDone)}/${formatCount(now.vmWindowsTotal)}`
  const letters = `dead letters ${formatCount(now.deadLetters)}`
  return [
    `consumed    ${formatCount(now.consumed)}${read}  ${rate}`,
    `windows     ${formatCount(now.windowsClosed)} closed${lastClosed === null ? '' : `  ${closedText(lastClosed, style)}`}`,
    `VM windows  ${closing}  published ${formatCount(now.published)}  ${now.deadLetters > 0 ? style.yellow(letters) : letters}`,
  ]
}

/** The same for logs and pipes. */
export function plainLine(now: RunProgress): string {
  if (now.reading !== null) return readingText(now.reading)
  const read = now.available === null ? '' : ` of ${formatCount(now.available)}${leftText(now)}`
  return (
    `consumed ${formatCount(now.consumed)}${read} (${formatCompact(now.pointsPerSecond)}/s), ` +
    `windows closed ${formatCount(now.windowsClosed)}, published ${formatCount(now.published)}, ` +
    `dead letters ${formatCount(now.deadLetters)}`
  )
}

function readingText({ step, share }: NonNullable<RunProgress['reading']>): string {
  const percent = share === null ? '' : `, ${Math.floor(share * 100)} %`
  return step === 'sorting'
    ? `the input is not in order of time: sorting it first${percent}`
    : `reading the input to find whether it is in order of time${percent}`
}

/** The remaining time at the current rate. */
function leftText({ consumed, available, pointsPerSecond }: RunProgress): string {
  if (available === null || pointsPerSecond === 0 || consumed >= available) return ''
  return `, ${formatDuration(((available - consumed) * 1000) / pointsPerSecond)} left`
}

function closedText({ window, reason, partition }: WindowClosed, style: Style): string {
  const paint = reason === 'complete' ? style.green : style.yellow
  return `last ${formatTime(window.start)} of partition ${partition}: ${paint(reason)}`
}
