/** The marks of reasons and the colors of levels, as the legend and tables show them; heat-canvas.ts draws the same shapes. */
import type { JSX } from 'preact'
import { LEVEL_TEXTS, LEVELS, MARK_TEXTS, MARKS, type Level, type Mark } from './completeness.ts'

const CELL = 14

export function MarkIcon({
  mark,
  level,
}: {
  readonly mark: Mark | 'revised' | null
  readonly level: Level | null
}): JSX.Element {
  return (
    <svg class="mark" viewBox={`0 0 ${CELL} ${CELL}`} aria-hidden="true">
      <rect class={`cell-${level ?? 'none'}`} x="0.75" y="0.75" width="12.5" height="12.5" rx="1.5" />
      {level === 'open' && <rect class="arrived" x="1.5" y="1.5" width="6" height="11" />}
      {mark !== null && shapeOf(mark)}
    </svg>
  )
}

function shapeOf(mark: Mark | 'revised'): JSX.Element | null {
  switch (mark) {
    case 'grace':
      return <circle class="area" cx="7" cy="7" r="2.4" />
    case 'deadline':
      return <path class="line" d="M3.5 7h7" />
    case 'forced':
      return <path class="line" d="M3.8 3.8l6.4 6.4M3.8 10.2l6.4-6.4" />
    case 'quarantined':
      return <path class="area" d="M7 3l3.9 7.4H3.1z" />
    case 'revised':
      return <path class="area" d="M8.5 0.75h4.75V5.5z" />
    case 'complete':
    case 'open':
      return null
  }
}

/** A reason as its mark and its word. */
export function Reason({ mark }: { readonly mark: Mark }): JSX.Element {
  const level = mark === 'complete' ? 'complete' : mark === 'open' ? 'open' : null
  return (
    <span class="reason">
      <MarkIcon mark={mark} level={level} />
      {mark}
    </span>
  )
}

/** What colors and marks of the heat map mean. */
export function Legend(): JSX.Element {
  return (
    <div class="legend">
      <ul aria-label="Colors: share of the expected points that arrived">
        {LEVELS.map((level) => (
          <li key={level}>
            <MarkIcon mark={null} level={level} />
            {LEVEL_TEXTS[level]}
          </li>
        ))}
      </ul>
      <ul aria-label="Marks: why a window closed">
        {MARKS.filter((mark) => mark !== 'complete' && mark !== 'open').map((mark) => (
          <li key={mark}>
            <MarkIcon mark={mark} level={null} />
            {MARK_TEXTS[mark]}
          </li>
        ))}
        <li>
          <MarkIcon mark="revised" level={null} />
          revised by late points
        </li>
      </ul>
    </div>
  )
}
