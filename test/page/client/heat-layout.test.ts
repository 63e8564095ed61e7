/** Places of the heat map: what is drawn is what is visible, and a click finds the cell that was drawn there. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellAt, heatLayout, labelStep, visibleCells } from '../../../src/page/client/heat-layout.ts'

const cases = fc.record({
  rows: fc.integer({ min: 1, max: 5_000 }),
  columns: fc.integer({ min: 1, max: 400 }),
  width: fc.integer({ min: 320, max: 2_000 }),
  height: fc.integer({ min: 60, max: 800 }),
  left: fc.double({ min: 0, max: 1, noNaN: true }),
  top: fc.double({ min: 0, max: 1, noNaN: true }),
  x: fc.double({ min: 0, max: 1, noNaN: true }),
  y: fc.double({ min: 0, max: 1, noNaN: true }),
})

describe('the layout of the heat map', () => {
  it('the cell at a point is visible, and its place contains the point', () => {
    fc.assert(
      fc.property(cases, ({ rows, columns, width, height, left, top, x, y }) => {
        const layout = heatLayout(rows, columns, width)
        const scrollLeft = Math.floor(left * Math.max(0, layout.labelWidth + columns * layout.cellWidth - width))
        const scrollTop = Math.floor(top * Math.max(0, layout.axisHeight + rows * layout.cellHeight - height))
        const view = { width, height, scrollLeft, scrollTop }
        const found = cellAt(layout, view, x * width, y * height, rows, columns)
        if (found === null) return
        const visible = visibleCells(layout, view, rows, columns)
        expect(found.row).toBeGreaterThanOrEqual(visible.rows[0])
        expect(found.row).toBeLessThanOrEqual(visible.rows[1])
        expect(found.column).toBeGreaterThanOrEqual(visible.columns[0])
        expect(found.column).toBeLessThanOrEqual(visible.columns[1])
        const drawnAt = layout.labelWidth + found.column * layout.cellWidth - scrollLeft
        expect(x * width - drawnAt).toBeGreaterThanOrEqual(0)
        expect(x * width - drawnAt).toBeLessThan(layout.cellWidth)
      }),
    )
  })

  it('labels and times are no cells', () => {
    const layout = heatLayout(3, 3, 900)
    const view = { width: 900, height: 200, scrollLeft: 0, scrollTop: 0 }
    expect(cellAt(layout, view, layout.labelWidth - 1, 100, 3, 3)).toBeNull()
    expect(cellAt(layout, view, 300, layout.axisHeight - 1, 3, 3)).toBeNull()
    expect(cellAt(layout, view, 899, 100, 3, 3)).toBeNull()
  })

  it('times are as far apart as their texts need', () => {
    expect(labelStep(70, 44)).toBe(2)
    expect(labelStep(70, 14)).toBe(6)
    expect(labelStep(70, 100)).toBe(1)
  })
})
