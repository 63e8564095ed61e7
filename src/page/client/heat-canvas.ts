/**
 * Draws the visible part of the heat map. A frame touches only visible cells and sets each color once: all cells of a level
 * are one path. So a frame takes as long for 64 rows as for 5,000.
 */
import { LEVELS, MARKS } from './completeness.ts'
import type { HeatGrid } from './heat-grid.ts'
import { labelStep, visibleCells, type CellPosition, type HeatLayout, type Viewport } from './heat-layout.ts'
import { axisText } from './text.ts'

/** Colors of the system's light or dark theme, from the style sheet. */
export interface HeatColors {
  readonly levels: readonly string[]
  /** The part of an open window that has arrived. */
  readonly arrived: string
  /** Of the marks: on each level the one that contrasts with it. */
  readonly marks: readonly string[]
  readonly surface: string
  readonly text: string
  readonly line: string
  readonly focus: string
}

export function readHeatColors(element: Element): HeatColors {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  return {
    levels: LEVELS.map((level) => color(`--level-${level}`)),
    arrived: color('--level-arrived'),
    marks: LEVELS.map((level) => color(`--on-${level}`)),
    surface: color('--surface'),
    text: color('--ink-2'),
    line: color('--line'),
    focus: color('--focus'),
  }
}

export interface HeatDrawing {
  readonly grid: HeatGrid
  readonly layout: HeatLayout
  readonly view: Viewport
  readonly colors: HeatColors
  readonly font: string
  readonly cursor: CellPosition | null
}

export function drawHeat(context: CanvasRenderingContext2D, drawing: HeatDrawing): void {
  const { grid, layout, view, colors, font } = drawing
  context.fillStyle = colors.surface
  context.fillRect(0, 0, view.width, view.height)
  context.font = font
  context.textBaseline = 'middle'
  const visible = visibleCells(layout, view, grid.rows.length, grid.columns.length)
  drawCells(context, drawing, visible)
  drawMarks(context, drawing, visible)
  drawCursor(context, drawing)
  drawRowLabels(context, drawing, visible.rows)
  drawTimes(context, drawing, visible.columns)
  context.fillStyle = colors.surface
  context.fillRect(0, 0, layout.labelWidth, layout.axisHeight)
  context.fillStyle = colors.text
  context.fillText(grid.title, 0, layout.axisHeight / 2)
}

/** The width of the widest label, of those that fit into a screen or two. */
export function labelTextWidth(context: CanvasRenderingContext2D, { title, rows }: HeatGrid, font: string): number {
  context.font = font
  const labels = [title, ...rows.slice(0, 100).map(({ label }) => label)]
  return labels.reduce((most, label) => Math.max(most, context.measureText(label.slice(0, 60)).width), 0)
}

const LABEL_ROOM = 12

type Visible = ReturnType<typeof visibleCells>

function drawCells(context: CanvasRenderingContext2D, drawing: HeatDrawing, { rows, columns }: Visible): void {
  const { grid, layout, colors } = drawing
  const height = layout.cellHeight - layout.gap
  const open = LEVELS.indexOf('open')
  const paths = colors.levels.map(() => new Path2D())
  const arrived = new Path2D()
  for (let column = columns[0]; column <= columns[1]; column++) {
    const x = leftOf(drawing, column)
    const width = leftOf(drawing, column + 1) - layout.gap - x
    for (let row = rows[0]; row <= rows[1]; row++) {
      const level = grid.levelIndex(row, column)
      if (level < 0) continue
      const y = topOf(drawing, row)
      if (level !== open) {
        paths[level]?.rect(x, y, width, height)
        continue
      }
      // A window that has not closed is an outline that fills from the left.
      paths[level]?.rect(x + 0.5, y + 0.5, width - 1, height - 1)
      arrived.rect(x + 1, y + 1, Math.round((width - 2) * grid.shareAt(row, column)), height - 2)
    }
  }
  context.fillStyle = colors.arrived
  context.fill(arrived)
  for (const [level, path] of paths.entries()) {
    if (level === open) {
      context.strokeStyle = colors.levels[level] ?? ''
      context.lineWidth = 1
      context.setLineDash([3, 2])
      context.stroke(path)
      context.setLineDash([])
    } else {
      context.fillStyle = colors.levels[level] ?? ''
      context.fill(path)
    }
  }
}

/** One path per color of marks; a mark is centered in its cell, a revision is the cell's upper right corner. */
function drawMarks(context: CanvasRenderingContext2D, drawing: HeatDrawing, { rows, columns }: Visible): void {
  const { grid, layout, colors } = drawing
  const lines = colors.marks.map(() => new Path2D())
  const areas = colors.marks.map(() => new Path2D())
  const size = Math.min(layout.cellWidth, layout.cellHeight) - layout.gap
  for (let row = rows[0]; row <= rows[1]; row++) {
    for (let column = columns[0]; column <= columns[1]; column++) {
      const level = grid.levelIndex(row, column)
      if (level < 0) continue
      const line = lines[level]
      const area = areas[level]
      if (line === undefined || area === undefined) continue
      const left = leftOf(drawing, column)
      const top = topOf(drawing, row)
      const right = leftOf(drawing, column + 1) - layout.gap
      const x = (left + right) / 2
      const y = top + (layout.cellHeight - layout.gap) / 2
      addMark(line, area, grid.markIndex(row, column), x, y, size / 2)
      if (!grid.isRevised(row, column)) continue
      const corner = Math.max(4, size * 0.32)
      area.moveTo(right - corner, top)
      area.lineTo(right, top)
      area.lineTo(right, top + corner)
      area.closePath()
    }
  }
  context.lineWidth = 1.75
  for (const [level, color] of colors.marks.entries()) {
    context.strokeStyle = color
    context.fillStyle = color
    context.stroke(lines[level] as Path2D)
    context.fill(areas[level] as Path2D)
  }
}

/** The shapes are those of the legend (marks.tsx). `half`: half of the cell's shorter side. */
function addMark(line: Path2D, area: Path2D, mark: number, x: number, y: number, half: number): void {
  const reach = half * 0.5
  switch (MARKS[mark]) {
    case 'grace':
      area.moveTo(x + half * 0.34, y)
      area.arc(x, y, half * 0.34, 0, 2 * Math.PI)
      return
    case 'deadline':
      line.moveTo(x - reach, y)
      line.lineTo(x + reach, y)
      return
    case 'forced':
      line.moveTo(x - reach, y - reach)
      line.lineTo(x + reach, y + reach)
      line.moveTo(x - reach, y + reach)
      line.lineTo(x + reach, y - reach)
      return
    case 'quarantined':
      area.moveTo(x, y - reach)
      area.lineTo(x + reach * 1.1, y + reach)
      area.lineTo(x - reach * 1.1, y + reach)
      area.closePath()
      return
    default:
  }
}

function drawCursor(context: CanvasRenderingContext2D, drawing: HeatDrawing): void {
  const { cursor, layout, colors } = drawing
  if (cursor === null) return
  context.strokeStyle = colors.focus
  context.lineWidth = 2
  const left = leftOf(drawing, cursor.column)
  const width = leftOf(drawing, cursor.column + 1) - layout.gap - left
  context.strokeRect(left, topOf(drawing, cursor.row), width, layout.cellHeight - layout.gap)
}

function drawRowLabels(
  context: CanvasRenderingContext2D,
  drawing: HeatDrawing,
  [first, last]: readonly [number, number],
): void {
  const { grid, layout, view, colors } = drawing
  context.fillStyle = colors.surface
  context.fillRect(0, 0, layout.labelWidth, view.height)
  context.fillStyle = colors.text
  context.textAlign = 'left'
  for (let row = first; row <= last; row++) {
    const label = shorten(context, grid.rows[row]?.label ?? '', layout.labelWidth - LABEL_ROOM)
    context.fillText(label, 0, topOf(drawing, row) + (layout.cellHeight - layout.gap) / 2)
  }
}

function drawTimes(
  context: CanvasRenderingContext2D,
  drawing: HeatDrawing,
  [first, last]: readonly [number, number],
): void {
  const { grid, layout, view, colors } = drawing
  context.fillStyle = colors.surface
  context.fillRect(0, 0, view.width, layout.axisHeight)
  context.fillStyle = colors.text
  context.textAlign = 'left'
  const step = labelStep(context.measureText('00-00 00:00').width, layout.cellWidth)
  for (let column = first; column <= last; column++) {
    const window = grid.columns[column]
    if (window === undefined || column % step !== 0) continue
    const previous = grid.columns[column - step]?.start ?? null
    context.fillText(axisText(window.start, previous), leftOf(drawing, column), layout.axisHeight / 2)
  }
}

/** On whole pixels, so that edges are sharp. */
function leftOf({ layout, view }: HeatDrawing, column: number): number {
  return layout.labelWidth + Math.round(column * layout.cellWidth - view.scrollLeft)
}

function topOf({ layout, view }: HeatDrawing, row: number): number {
  return layout.axisHeight + Math.round(row * layout.cellHeight - view.scrollTop)
}

const SHORTENED = new Map<string, string>()
const MAX_SHORTENED = 20_000

/** The text with an ellipsis if it is too wide. Kept, since measuring texts is most of a frame's time. */
function shorten(context: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${width} ${text}`
  const known = SHORTENED.get(key)
  if (known !== undefined) return known
  let result = text
  for (let length = text.length; length > 0 && context.measureText(result).width > width; length--) {
    result = `${text.slice(0, length - 1)}…`
  }
  if (SHORTENED.size >= MAX_SHORTENED) SHORTENED.clear()
  SHORTENED.set(key, result)
  return result
}
