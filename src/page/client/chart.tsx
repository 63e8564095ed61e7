/** Time series by uPlot, in the colors of the theme. A chart has a text alternative, since a canvas has none. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import { clockText, dayText } from './text.ts'

export interface ChartLine {
  readonly label: string
  /** Custom property of the style sheet with the color. */
  readonly color: string
  readonly values: readonly (number | null)[]
  /** Points only, without a line. */
  readonly isDots?: boolean
  /** Dots are rings. */
  readonly isHollow?: boolean
  readonly dash?: readonly number[]
  readonly width?: number
  /** Mark each point of the line. */
  readonly hasPoints?: boolean
}

export interface ChartProps {
  /** Says what the chart shows and its last value, for screen readers. */
  readonly label: string
  /** Milliseconds, ascending. */
  readonly times: readonly number[]
  readonly lines: readonly ChartLine[]
  /** The area between two lines, by their indexes. */
  readonly band?: readonly [number, number]
  readonly format: (value: number) => string
  readonly height: number
  readonly isFromZero: boolean
}

export function Chart(props: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | null>(null)
  const { times, lines, height } = props
  const shape = lines.map(({ label }) => label).join('\n')
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const create = (): void => {
      plot.current?.destroy()
      plot.current = new UPlot(optionsOf(props, element), dataOf(times, lines), element)
    }
    create()
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    // A chart has its colors from its creation.
    const theme = matchMedia('(prefers-color-scheme: dark)')
    theme.addEventListener('change', create)
    return () => {
      observer.disconnect()
      theme.removeEventListener('change', create)
      plot.current?.destroy()
      plot.current = null
    }
  }, [shape, height])
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines])
  return <div class={height > 200 ? 'chart tall' : 'chart'} ref={place} role="img" aria-label={props.label} />
}

/** 1, 2, 5, 10, 20, … */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat()

/** uPlot counts time in seconds. */
function dataOf(times: readonly number[], lines: readonly ChartLine[]): UPlot.AlignedData {
  return [times.map((at) => at / 1000), ...lines.map(({ values }) => [...values])]
}

function optionsOf({ lines, band, format, height, isFromZero }: ChartProps, element: HTMLElement): UPlot.Options {
  const style = getComputedStyle(element)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const font = `12px ${style.fontFamily}`
  const axis = { stroke: color('--ink-2'), font, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    padding: [8, 24, 0, 0],
    scales: { y: { range: (_, min, max) => rangeOf(min, max, isFromZero) } },
    series: [
      {},
      ...lines.map((line): UPlot.Series => {
        const stroke = color(line.color)
        const isDots = line.isDots === true
        const fill = line.isHollow === true ? color('--surface') : stroke
        const points = { show: isDots || line.hasPoints === true, size: isDots ? 9 : 6, width: 2, fill, stroke }
        const dash = line.dash === undefined ? {} : { dash: [...line.dash] }
        return { label: line.label, stroke, width: isDots ? 0 : (line.width ?? 1.75), points, ...dash }
      }),
    ],
    ...(band === undefined ? {} : { bands: [{ series: [band[0] + 1, band[1] + 1], fill: color('--band') }] }),
    axes: [
      { ...axis, size: 32, gap: 10, grid: { show: false }, space: 64, values: (_, splits) => timeTexts(splits) },
      {
        ...axis,
        size: 56,
        gap: 8,
        space: 36,
        // What begins at 0 are counts and milliseconds, which have no fractions.
        ...(isFromZero ? { incrs: WHOLE_STEPS } : {}),
        grid: { stroke: color('--line'), width: 1 },
        values: (_, splits) => splits.map(format),
      },
    ],
  }
}

function rangeOf(min: number | null, max: number | null, isFromZero: boolean): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1]
  if (isFromZero && min >= 0 && max < 1) return [0, 1]
  const low = isFromZero ? Math.min(0, min) : min
  const room = (max - low || Math.abs(max) || 1) * 0.08
  return [isFromZero ? low : low - room, max + room]
}

function timeTexts(splits: readonly number[]): string[] {
  const step = ((splits[1] ?? 0) - (splits[0] ?? 0)) * 1000
  return splits.map((seconds, index) => {
    const at = seconds * 1000
    const previous = splits[index - 1]
    if (step >= 86_400_000) return dayText(at).slice(5)
    const isNewDay = previous !== undefined && dayText(previous * 1000) !== dayText(at)
    return isNewDay ? dayText(at).slice(5) : clockText(at, step > 0 && step < 60_000)
  })
}
