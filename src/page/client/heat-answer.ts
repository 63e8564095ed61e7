/** The heat map of an answer of the API: its grid, the texts of its cells, and what they lead to. Pure. */
import { formatCount } from '../../ui/format.ts'
import type { HeatAnswer, JobAnswer } from '../answers.ts'
import { levelOf, MARK_TEXTS, shareText, type Mark } from './completeness.ts'
import { HeatGrid } from './heat-grid.ts'
import type { CellPosition } from './heat-layout.ts'
import { hashOf, type HeatBy } from './routes.ts'
import { counted, windowText } from './text.ts'

const REASONS: Readonly<Record<string, Mark>> = {
  c: 'complete',
  g: 'grace',
  d: 'deadline',
  f: 'forced',
  q: 'quarantined',
  o: 'open',
}

/** How many windows and rows are requested; the API answers with at most 250,000 cells. */
const WINDOWS = 96
const GROUPS = 64
const VMS = 5_000
const VM_WINDOWS = 48

export function heatPath(by: HeatBy): string {
  if (by === 'partition') return `/v1/heat?by=partition&windows=${WINDOWS}`
  if (by === 'group') return `/v1/heat?by=group&groups=${GROUPS}&windows=${WINDOWS}`
  return `/v1/heat?by=vm&limit=${VMS}&windows=${VM_WINDOWS}`
}

export function gridOf(answer: HeatAnswer): HeatGrid {
  const { rows, windows, reason, expected, missing, revised } = answer
  const title = { partition: 'Partition', group: 'VMs', vm: 'VM' }[answer.by]
  const grid = new HeatGrid(title, rows, windows)
  for (let row = 0; row < rows.length; row++) {
    for (let column = 0; column < windows.length; column++) {
      const at = row * windows.length + column
      const mark = REASONS[reason[at] ?? '.']
      if (mark === undefined) continue
      const [promised, lacking] = [expected[at] ?? null, missing[at] ?? 0]
      const level = levelOf({ reason: mark, expected: promised, missing: lacking })
      const share = promised === null || promised === 0 ? null : Math.max(0, 1 - lacking / promised)
      grid.set(row, column, { level, mark, share, isRevised: (revised[at] ?? 0) > 0 })
    }
  }
  return grid
}

export interface CellFigures {
  readonly mark: Mark
  readonly total: number
  readonly complete: number
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  readonly revised: number
}

/** `null`: no VM window exists there. */
export function cellFigures(answer: HeatAnswer, { row, column }: CellPosition): CellFigures | null {
  const at = row * answer.windows.length + column
  const mark = REASONS[answer.reason[at] ?? '.']
  if (mark === undefined) return null
  const { total, complete, expected, received, missing, revised } = answer
  return {
    mark,
    total: total[at] ?? 0,
    complete: complete[at] ?? 0,
    expected: expected[at] ?? null,
    received: received[at] ?? 0,
    missing: missing[at] ?? 0,
    revised: revised[at] ?? 0,
  }
}

/** One line about a cell. */
export function cellText(answer: HeatAnswer, cell: CellPosition): string {
  const row = answer.rows[cell.row]
  const window = answer.windows[cell.column]
  if (row === undefined || window === undefined) return ''
  const name = answer.by === 'partition' ? `Partition ${row.label}` : row.label
  const where = `${name}, ${windowText(window.start, window.end)}`
  const figures = cellFigures(answer, cell)
  if (figures === null) return `${where}: no VM window`
  const { mark, total, complete, expected, received, missing, revised } = figures
  const points =
    expected === null ? `${formatCount(received)} points, expected unknown` : sharesOf(received, expected, missing)
  const parts = [MARK_TEXTS[mark], points]
  if (answer.by !== 'vm') {
    const unit = mark === 'open' ? 'producers' : 'VM windows'
    parts.push(`${formatCount(complete)} of ${formatCount(total)} ${unit} complete`)
  }
  if (revised > 0) parts.push(`${counted(revised, 'result', 'results')} revised`)
  return `${where}: ${parts.join(' · ')}`
}

function sharesOf(received: number, expected: number, missing: number): string {
  const share = `${formatCount(received)} of ${formatCount(expected)} points`
  return missing === 0 ? share : `${share} (${shareText(missing, expected)}), ${formatCount(missing)} missing`
}

/** A short text for the cell of the table: the reason, and the share where it is known and not complete. */
export function cellBrief(figures: CellFigures): string {
  const { mark, expected, missing } = figures
  if (mark === 'complete' || expected === null) return mark
  return `${mark}, ${shareText(missing, expected)}`
}

/** A partition's cell leads to its window, a VM's to the VM, a group's to its window if it lies in one partition. */
export function cellAddress(answer: HeatAnswer, cell: CellPosition): string | null {
  const row = answer.rows[cell.row]
  const window = answer.windows[cell.column]
  if (row === undefined || window === undefined) return null
  if (answer.by === 'vm') return hashOf({ view: 'vm', vmId: row.key, metric: null })
  if (row.partition === null || cellFigures(answer, cell) === null) return null
  return hashOf({ view: 'window', partition: row.partition, start: window.start })
}

/** Where the input of the job comes from. */
export function inputText({ topic }: Pick<JobAnswer, 'topic'>): string {
  return topic === null ? 'files' : `topic ${topic}`
}
