/** Small parts that several views share: cards, notices, states of loading and emptiness, figures. */
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'
import type { Answer, ShownProblem } from './live.ts'

export function Card(props: {
  readonly title: string
  /** At the right of the title. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}): JSX.Element {
  const id = useId()
  return (
    <section class="card" aria-labelledby={id}>
      <div class="row">
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  )
}

export function Notice(props: {
  readonly kind: 'plain' | 'warn' | 'stop'
  readonly title: string
  readonly children?: ComponentChildren
}): JSX.Element {
  return (
    <div class={props.kind === 'plain' ? 'notice' : `notice ${props.kind}`}>
      <strong>{props.title}</strong>
      {props.children}
    </div>
  )
}

export function Empty(props: {
  readonly title: string
  /** Whether it is the whole view, so that its title is the view's heading. */
  readonly isView?: boolean
  readonly children?: ComponentChildren
}): JSX.Element {
  return (
    <div class="empty">
      {props.isView === true ? <h1>{props.title}</h1> : <strong>{props.title}</strong>}
      <span>{props.children}</span>
    </div>
  )
}

/** Keeps the place of something that is being loaded, so that nothing moves when it arrives. */
export function Loading(props: { readonly what: string }): JSX.Element {
  return (
    <div class="empty blank" aria-busy="true">
      <span>Loading {props.what}…</span>
    </div>
  )
}

export function ProblemNotice({ problem }: { readonly problem: ShownProblem }): JSX.Element {
  return (
    <Notice kind={problem.status === 404 ? 'plain' : 'warn'} title={sentence(problem.detail)}>
      <span>{problem.remedy}</span>
    </Notice>
  )
}

/** The content of an answer, or why there is none yet. After a failed request the last content stays. */
export function Loaded<Data>(props: {
  readonly answer: Answer<Data>
  readonly what: string
  readonly children: (data: Data) => ComponentChildren
}): JSX.Element {
  const { data, problem } = props.answer
  if (data !== null) return <>{props.children(data)}</>
  return problem === null ? <Loading what={props.what} /> : <ProblemNotice problem={problem} />
}

export interface FigureItem {
  readonly label: string
  readonly value: string
  /** After the value, smaller. */
  readonly unit?: string
  readonly isWarning?: boolean
}

export function Figures({ items }: { readonly items: readonly FigureItem[] }): JSX.Element {
  return (
    <dl class="figures">
      {items.map(({ label, value, unit, isWarning }) => (
        <div key={label} class={isWarning === true ? 'is-warn' : ''}>
          <dt>{label}</dt>
          <dd>
            {value}
            {unit !== undefined && <small> {unit}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

export function Facts({ items }: { readonly items: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {items.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}
    </dl>
  )
}

/** A table that scrolls within its card. Its caption is for screen readers: the title of the card shows the same. */
export function Table(props: {
  readonly caption: string
  readonly head: readonly ComponentChildren[]
  /** Indexes of columns with numbers. */
  readonly numbers: readonly number[]
  readonly isTall?: boolean
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    // A part that scrolls can be reached and moved with the keyboard.
    <div class={props.isTall === true ? 'scroll tall' : 'scroll'} tabIndex={0} role="group" aria-label={props.caption}>
      <table>
        <caption class="visually-hidden">{props.caption}</caption>
        <thead>
          <tr>
            {props.head.map((title, index) => (
              <th key={index} scope="col" class={props.numbers.includes(index) ? 'num' : ''}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  )
}

/** A part of a whole as a bar; the numbers beside it say the same. */
export function Meter({ part, whole }: { readonly part: number; readonly whole: number }): JSX.Element {
  const width = whole === 0 ? 0 : (100 * part) / whole
  return (
    <svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect width={width} height="8" />
    </svg>
  )
}

/** Problems of the API are sentences without a capital and a period. */
function sentence(text: string): string {
  return text === '' ? text : text.charAt(0).toUpperCase() + text.slice(1)
}
