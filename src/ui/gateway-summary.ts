/** Text of the summary that a gateway prints at its end. */
import type { GatewaySummary } from '../app/gateway/gateway.ts'
import { formatCount, formatDuration } from './format.ts'
import type { Style } from './style.ts'

export function gatewaySummaryText({ points, manifests, answers, seconds }: GatewaySummary, style: Style): string {
  const total = Object.values(answers).reduce((sum, count) => sum + count, 0)
  const byStatus = Object.entries(answers).map(([status, count]) => `${status} ${formatCount(count)}`)
  const lines = [
    `${style.bold('taken')}     ${formatCount(points)} points and ${formatCount(manifests)} manifests in ${formatDuration(seconds * 1000)}`,
    `${style.bold('answered')}  ${formatCount(total)} requests${byStatus.length === 0 ? '' : `: ${byStatus.join(', ')}`}`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}
