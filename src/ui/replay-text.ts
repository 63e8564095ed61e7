/** Text of the report of `windrow replay`. Pure. */
import type { PartitionPromotion, PromotionReport } from '../app/replay/promote.ts'
import type { ReplayReport } from '../app/replay/replay.ts'
import type { PromotionProblem } from '../ledger/promotion.ts'
import type { VmWindowDifference } from '../replay/difference.ts'
import { formatCount, formatDuration, formatTime } from './format.ts'
import { createStyle, type Style } from './style.ts'

const MAX_LINES = 20
const MAX_FIELDS = 4
const MAX_VALUE_CHARS = 40

/** Several lines, each with its line end. */
export function replayText(report: ReplayReport, style: Style = createStyle(false)): string {
  const { job, into, results, windows, records, seconds, certificates, difference } = report
  const { equal, onlyLive, onlyReplay, differing, first } = difference
  const count = onlyLive + onlyReplay + differing
  const isSame = count === 0 && certificates.equal === certificates.compared
  const lines = [
    `replayed      ${formatCount(records)} records of ${job} as ${into} in ${formatDuration(seconds * 1000)}`,
    `compared      ${formatCount(windows)} windows`,
    `  results      ${formatCount(equal)} equal  only live ${formatCount(onlyLive)}  only replay ${formatCount(onlyReplay)}  differ ${formatCount(differing)}`,
    `  certificates ${formatCount(certificates.equal)} of ${formatCount(certificates.compared)} have the same digest`,
    ...first.slice(0, MAX_LINES).map((one) => `  ${style.yellow(differenceText(one))}`),
    ...(count > MAX_LINES ? [`  and ${formatCount(count - MAX_LINES)} more; --json names the first 100`] : []),
    ...(results === null ? [] : [`results in    ${results}`]),
    isSame ? style.green('the replay is the same') : style.red('the replay differs'),
    ...(report.promotion === null ? [] : promotionLines(report.promotion, style)),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

const PROBLEMS: { readonly [Problem in PromotionProblem]: string } = {
  'moved-on': 'it has changed since the replay; replay again',
  'too-far-behind': 'later windows that depend on it can no longer be changed; replay again',
  'other-points': 'the replay counted different points in a window that late points can still change',
  'too-large': 'the result is too large to be stored',
}

function promotionLines(
  { promoted, following, refused, onlyLive, partitions }: PromotionReport,
  style: Style,
): string[] {
  const open = partitions.filter(({ outcome }) => outcome !== 'done')
  const certificates = partitions.flatMap((one) => one.certificates.map((sequence) => `${one.partition}/${sequence}`))
  return [
    `promoted      ${formatCount(promoted)} results, ${formatCount(following)} of later windows followed`,
    ...(certificates.length === 0 ? [] : [`  certificates ${shortList(certificates)}`]),
    ...open.map(({ partition, outcome }) => `  ${style.yellow(`partition ${partition}: ${OUTCOMES[outcome]}`)}`),
    ...refused.first
      .slice(0, MAX_LINES)
      .map(
        ({ vmId, window, problem }) =>
          `  ${style.yellow(`${formatTime(window)} ${vmId}: refused, ${PROBLEMS[problem]}`)}`,
      ),
    ...(refused.count > MAX_LINES ? [`  and ${formatCount(refused.count - MAX_LINES)} more VMs`] : []),
    ...(onlyLive === 0
      ? []
      : [`  ${style.yellow(`${formatCount(onlyLive)} only live: a published result cannot be withdrawn`)}`]),
  ]
}

const OUTCOMES: { readonly [Outcome in PartitionPromotion['outcome']]: string } = {
  done: 'done',
  unreadable: 'the owner could not read the results to promote',
  'no-owner': 'no owner replied, and the request was withdrawn',
  left: 'left for the next owner, which carries it out before it reads further records',
  'under-way': 'the owner has begun and not finished yet',
}

function shortList(list: readonly string[]): string {
  const shown = list.slice(0, MAX_LINES).join(', ')
  return list.length > MAX_LINES ? `${shown} and ${list.length - MAX_LINES} more` : shown
}

function differenceText({ vmId, windowStart, kind, fields }: VmWindowDifference): string {
  const place = `${formatTime(windowStart)} ${vmId}`
  if (kind === 'only-live') return `${place}: only live`
  if (kind === 'only-replay') return `${place}: only in the replay`
  const shown = fields
    .slice(0, MAX_FIELDS)
    .map(({ field, live, replay }) => `${field} ${short(live)} → ${short(replay)}`)
  const more = fields.length > MAX_FIELDS ? ` and ${fields.length - MAX_FIELDS} more fields` : ''
  return `${place}: ${shown.join(', ')}${more}`
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS - 1)}…`
}
