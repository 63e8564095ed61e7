/** Where the cells of the heat map are: which fit into the visible part, and which one is at a point. Pure. */

/** Sizes in CSS pixels. */
export interface HeatLayout {
  readonly cellWidth: number
  readonly cellHeight: number
  /** Between two cells, within their sizes. */
  readonly gap: number
  /** Width of the labels at the left, which stay visible. */
  readonly labelWidth: number
  /** Height of the times at the top, which stay visible. */
  readonly axisHeight: number
}

export interface Viewport {
  readonly width: number
  readonly height: number
  readonly scrollLeft: number
  readonly scrollTop: number
}

export interface CellPosition {
  readonly row: number
  readonly column: number
}

const AXIS_HEIGHT = 26
const CELL_WIDTH = { min: 14, max: 96 }
const CELL_HEIGHT = { few: 26, many: 16 }
const FEW_ROWS = 16
const LABEL = { min: 40, share: 0.25, max: 220, room: 16 }

/**
 * Columns share the width that is there, within limits: few windows do not become wide bars, many scroll. `labelTextWidth`:
 * of the widest label.
 */
export function heatLayout(rows: number, columns: number, width: number, labelTextWidth = 112): HeatLayout {
  const most = Math.min(LABEL.max, Math.floor(width * LABEL.share))
  const labelWidth = Math.max(LABEL.min, Math.min(most, Math.ceil(labelTextWidth) + LABEL.room))
  // In eighths of a pixel, so that the columns end where the width does.
  const fitting = columns === 0 ? CELL_WIDTH.max : Math.floor((8 * (width - labelWidth)) / columns) / 8
  const isFew = rows <= FEW_ROWS
  return {
    cellWidth: Math.min(CELL_WIDTH.max, Math.max(CELL_WIDTH.min, fitting)),
    cellHeight: isFew ? CELL_HEIGHT.few : CELL_HEIGHT.many,
    gap: isFew ? 2 : 1,
    labelWidth,
    axisHeight: AXIS_HEIGHT,
  }
}

/** The first and the last visible row and column, both included; the last one is -1 if there is none. */
export function visibleCells(
  layout: HeatLayout,
  view: Viewport,
  rows: number,
  columns: number,
): { readonly rows: readonly [number, number]; readonly columns: readonly [number, number] } {
  const range = (scroll: number, size: number, cell: number, count: number): readonly [number, number] => [
    Math.max(0, Math.floor(scroll / cell)),
    Math.min(count - 1, Math.floor((scroll + size) / cell)),
  ]
  return {
    rows: range(view.scrollTop, view.height - layout.axisHeight, layout.cellHeight, rows),
    columns: range(view.scrollLeft, view.width - layout.labelWidth, layout.cellWidth, columns),
  }
}

/** The cell at a point of the visible part; `null` on labels, times and outside. */
export function cellAt(
  layout: HeatLayout,
  view: Viewport,
  x: number,
  y: number,
  rows: number,
  columns: number,
): CellPosition | null {
  if (x < layout.labelWidth || y < layout.axisHeight) return null
  const column = Math.floor((x - layout.labelWidth + view.scrollLeft) / layout.cellWidth)
  const row = Math.floor((y - layout.axisHeight + view.scrollTop) / layout.cellHeight)
  return row < rows && column < columns ? { row, column } : null
}

/** How many windows apart the times at the top are, so that their texts do not touch: a number that people count in. */
export function labelStep(textWidth: number, cellWidth: number): number {
  const needed = Math.ceil((textWidth + 12) / cellWidth)
  return [1, 2, 3, 4, 6, 12, 24, 48, 96].find((step) => step >= needed) ?? needed
}
