/** The progress and the summary of `windrow produce`. */
import type { ProduceObserver, ProduceProgress, ProduceSummary } from '../app/produce/produce.ts'
import { bar } from './charts.ts'
import { formatBytes, formatCompact, formatCount, formatDuration } from './format.ts'
import { LiveBlock, type Screen } from './live-block.ts'
import type { Style } from './style.ts'

const BAR_WIDTH = 30
/** Maximum number of undecodable lines to show: with a wrong format, every line is undecodable. */
const MAX_SHOWN_UNDECODABLE = 5

export interface ProduceDisplay extends ProduceObserver {
  /** Draws the final state. */
  end(): void
}

export function createProduceDisplay(screen: Screen, style: Style, nowMs: () => number): ProduceDisplay {
  const startedMs = nowMs()
  let latest: ProduceProgress | null = null
  let undecodable = 0
  const rateOf = ({ points }: ProduceProgress) => points / Math.max(0.001, (nowMs() - startedMs) / 1000)
  const look = {
    lines: () => (latest === null ? [] : liveLines(latest, rateOf(latest), style)),
    plainLine: () => (latest === null ? '' : plainLine(latest, rateOf(latest))),
  }
  const block = new LiveBlock(screen, look, nowMs)

  return {
    progress(progress) {
      latest = progress
      block.changed()
    },
    undecodable(place, reason) {
      undecodable++
      if (undecodable <= MAX_SHOWN_UNDECODABLE) block.say(`${style.yellow(place)}: ${reason}`)
      if (undecodable === MAX_SHOWN_UNDECODABLE + 1) block.say('further undecodable lines are only counted')
    },
    end() {
      if (latest !== null) block.draw()
    },
  }
}

function liveLines(now: ProduceProgress, pointsPerSecond: number, style: Style): string[] {
  const { points, manifests, undecodable, bytesRead, bytesToRead } = now
  const rate = style.bold(formatCompact(pointsPerSecond))
  const left = `undecodable ${formatCount(undecodable)}`
  const read =
    bytesToRead === null
      ? formatBytes(bytesRead)
      : `[${bar(bytesRead, bytesToRead, BAR_WIDTH)}] ${formatBytes(bytesRead)} of ${formatBytes(bytesToRead)}`
  return [
    `produced  ${formatCount(points)} points  ${formatCount(manifests)} manifests  ${rate} points/s`,
    `read      ${read}  ${undecodable > 0 ? style.yellow(left) : left}`,
  ]
}

function plainLine({ points, manifests, undecodable, ...read }: ProduceProgress, pointsPerSecond: number): string {
  const of = read.bytesToRead === null ? '' : ` of ${formatBytes(read.bytesToRead)}`
  return (
    `produced ${formatCount(points)} points (${formatCompact(pointsPerSecond)}/s), ${formatCount(manifests)} manifests, ` +
    `undecodable ${formatCount(undecodable)}, read ${formatBytes(read.bytesRead)}${of}`
  )
}

/** The summary as text. With `--json` it is printed as JSON. */
export function produceSummaryText(summary: ProduceSummary, topic: string, style: Style): string {
  const { points, noReadings, manifests, undecodable, bytes, seconds, pointsPerSecond } = summary
  return (
    `${style.bold('produced')}  ${formatCount(points)} points and ${formatCount(manifests)} manifests to ${topic} ` +
    `in ${formatDuration(seconds * 1000)} (${formatCompact(pointsPerSecond)} points/s, ${formatBytes(bytes)})\n` +
    (noReadings === 0 ? '' : `  ${formatCount(noReadings)} no readings, without a value\n`) +
    (undecodable === 0 ? '' : `  ${style.yellow(`undecodable ${formatCount(undecodable)}`)}, left out\n`)
  )
}
