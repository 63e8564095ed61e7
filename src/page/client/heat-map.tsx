/**
 * The heat map: a canvas that scrolls, with a line below that describes the cell under the pointer or the cursor, a legend, and
 * a table with the same content.
 *
 * The canvas has the size of the visible part and stays in place; an invisible element gives the scroll bars their length. Keys:
 * arrows move the cursor, Home and End go to the first and last window, Enter opens the window or VM.
 */
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { drawHeat, labelTextWidth, readHeatColors, type HeatColors } from './heat-canvas.ts'
import type { HeatGrid } from './heat-grid.ts'
import { cellAt, heatLayout, type CellPosition, type HeatLayout, type Viewport } from './heat-layout.ts'

export interface HeatMapProps {
  readonly grid: HeatGrid
  /** What the map shows, for screen readers. */
  readonly label: string
  /** Describes a cell, also one without a VM window. */
  readonly describe: (cell: CellPosition) => string
  /** The address that a cell opens; `null`: none. */
  readonly addressOf: (cell: CellPosition) => string | null
}

export function HeatMap({ grid, label, describe, addressOf }: HeatMapProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const map = useRef<HeatScreen | null>(null)
  const [pointed, setPointed] = useState<CellPosition | null>(null)
  useLayoutEffect(() => {
    if (frame.current === null || canvas.current === null) return
    const created = new HeatScreen(frame.current, canvas.current)
    map.current = created
    return () => created.close()
  }, [])
  useLayoutEffect(() => map.current?.show(grid), [grid])
  useEffect(() => map.current?.setCursor(pointed), [pointed])

  const move = (event: PointerEvent): void => {
    const next = map.current?.cellAt(event) ?? null
    // The same object for the same cell, so that a movement within a cell renders nothing.
    setPointed((before) => (before?.row === next?.row && before?.column === next?.column ? before : next))
  }
  const open = (cell: CellPosition | null): void => {
    const address = cell === null ? null : addressOf(cell)
    if (address !== null) location.hash = address
  }
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') open(pointed)
    const next = moved(event.key, pointed, grid)
    if (next === null) return
    event.preventDefault()
    setPointed(next)
    map.current?.reveal(next)
  }
  const shown = pointed !== null && pointed.row < grid.rows.length && pointed.column < grid.columns.length
  return (
    <>
      <div
        class="heat"
        ref={frame}
        tabIndex={0}
        role="group"
        aria-label={`${label} Arrow keys move, Enter opens. The table below has the same content.`}
        onPointerMove={move}
        onPointerLeave={() => setPointed(null)}
        onClick={(event) => open(map.current?.cellAt(event) ?? null)}
        onKeyDown={press}
      >
        <div class="heat-size" />
        <canvas ref={canvas} role="img" aria-label={label} />
      </div>
      <p class="pointed" role="status">
        {shown ? describe(pointed) : 'Point at a cell, or move with the arrow keys, to see its figures.'}
      </p>
    </>
  )
}

function moved(key: string, from: CellPosition | null, { rows, columns }: HeatGrid): CellPosition | null {
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-10, 0],
    PageDown: [10, 0],
    Home: [0, -Infinity],
    End: [0, Infinity],
  }
  const step = steps[key]
  if (step === undefined || rows.length === 0 || columns.length === 0) return null
  if (from === null) return { row: 0, column: columns.length - 1 }
  const within = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value))
  return { row: within(from.row + step[0], rows.length), column: within(from.column + step[1], columns.length) }
}

/** The canvas and its scrolling; draws at most once per frame, and only after something changed. */
class HeatScreen {
  readonly #frame: HTMLDivElement
  readonly #canvas: HTMLCanvasElement
  readonly #size: HTMLElement
  readonly #context: CanvasRenderingContext2D
  readonly #observer: ResizeObserver
  readonly #theme = matchMedia('(prefers-color-scheme: dark)')
  #colors: HeatColors
  #font: string
  #grid: HeatGrid | null = null
  #layout: HeatLayout = heatLayout(0, 0, 0)
  #cursor: CellPosition | null = null
  #pending: number | null = null

  constructor(frame: HTMLDivElement, canvas: HTMLCanvasElement) {
    this.#frame = frame
    this.#canvas = canvas
    this.#size = frame.querySelector<HTMLElement>('.heat-size') as HTMLElement
    this.#context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D
    this.#colors = readHeatColors(frame)
    this.#font = `12px ${getComputedStyle(frame).fontFamily}`
    this.#observer = new ResizeObserver(() => this.#resize())
    this.#observer.observe(frame)
    frame.addEventListener('scroll', this.#draw, { passive: true })
    this.#theme.addEventListener('change', this.#changeTheme)
  }

  close(): void {
    this.#observer.disconnect()
    this.#frame.removeEventListener('scroll', this.#draw)
    this.#theme.removeEventListener('change', this.#changeTheme)
    if (this.#pending !== null) cancelAnimationFrame(this.#pending)
  }

  show(grid: HeatGrid): void {
    const before = this.#grid
    const atEnd = this.#isAtEnd()
    this.#grid = grid
    this.#resize()
    // The newest windows are at the right; they stay visible unless the user scrolled away from them.
    if (before === null || atEnd) this.#frame.scrollLeft = this.#frame.scrollWidth
  }

  setCursor(cursor: CellPosition | null): void {
    this.#cursor = cursor
    this.#draw()
  }

  cellAt({ clientX, clientY }: MouseEvent): CellPosition | null {
    const grid = this.#grid
    if (grid === null) return null
    const { left, top } = this.#frame.getBoundingClientRect()
    return cellAt(this.#layout, this.#view(), clientX - left, clientY - top, grid.rows.length, grid.columns.length)
  }

  /** Scrolls as little as necessary. */
  reveal({ row, column }: CellPosition): void {
    const { cellWidth, cellHeight, labelWidth, axisHeight } = this.#layout
    const { width, height, scrollLeft, scrollTop } = this.#view()
    const x = column * cellWidth
    const y = row * cellHeight
    this.#frame.scrollTo({
      left: Math.min(x, Math.max(scrollLeft, x + cellWidth - (width - labelWidth))),
      top: Math.min(y, Math.max(scrollTop, y + cellHeight - (height - axisHeight))),
      behavior: 'instant',
    })
  }

  #isAtEnd(): boolean {
    const { scrollLeft, clientWidth, scrollWidth } = this.#frame
    return scrollLeft + clientWidth >= scrollWidth - 2
  }

  #view(): Viewport {
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.#frame
    return { width: clientWidth, height: clientHeight, scrollLeft, scrollTop }
  }

  #resize(): void {
    const grid = this.#grid
    if (grid === null) return
    const labels = labelTextWidth(this.#context, grid, this.#font)
    this.#layout = heatLayout(grid.rows.length, grid.columns.length, this.#frame.clientWidth, labels)
    const { cellWidth, cellHeight, labelWidth, axisHeight } = this.#layout
    const height = axisHeight + grid.rows.length * cellHeight
    this.#size.style.width = `${labelWidth + grid.columns.length * cellWidth}px`
    this.#size.style.height = `${height}px`
    const limit = Number.parseFloat(getComputedStyle(this.#frame).maxHeight)
    const view = { width: this.#frame.clientWidth, height: Math.min(height, limit) }
    const scale = devicePixelRatio
    this.#canvas.style.width = `${view.width}px`
    this.#canvas.style.height = `${view.height}px`
    this.#canvas.width = Math.round(view.width * scale)
    this.#canvas.height = Math.round(view.height * scale)
    this.#draw()
  }

  readonly #changeTheme = (): void => {
    this.#colors = readHeatColors(this.#frame)
    this.#draw()
  }

  readonly #draw = (): void => {
    this.#pending ??= requestAnimationFrame(() => {
      this.#pending = null
      const grid = this.#grid
      if (grid === null) return
      this.#context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
      const drawing = { grid, layout: this.#layout, view: this.#view(), colors: this.#colors }
      drawHeat(this.#context, { ...drawing, font: this.#font, cursor: this.#cursor })
    })
  }
}
