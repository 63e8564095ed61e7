/**
 * What an operator can order from the page: to send a dead letter again, and to close an open window now. Both need a token of
 * the server and a reason, which are recorded. The token is kept in memory until the page is left.
 */
import type { ComponentChildren, JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { CloseAnswer, OrderBody, RetryAnswer } from '../answers.ts'
import { send, type ShownProblem } from './live.ts'
import { Notice } from './parts.tsx'
import { useLive } from './use-data.ts'

let keptToken = ''

/** The dialog stays until it is closed: meanwhile its button must be shown, although there is nothing left to order. */
interface Ordering {
  readonly onOpen: (isOpen: boolean) => void
}

export function CloseButton(props: Ordering & { readonly partition: number; readonly start: number }): JSX.Element {
  const { partition, start, onOpen } = props
  return (
    <Order
      onOpen={onOpen}
      button="Close now"
      title="Close this window now"
      path={`/v1/windows/${partition}/${start}/close`}
      outcome={(answer) => CLOSE_TEXTS[(answer as CloseAnswer).outcome]}
    >
      <p>
        The open windows of partition {partition} up to this one close with the reason <em>forced</em>, without what is
        missing. Late points still amend them.
      </p>
    </Order>
  )
}

const CLOSE_TEXTS: Readonly<Record<CloseAnswer['outcome'], string>> = {
  closed: 'Closed.',
  'not-open': 'The window is not open, so nothing was closed.',
  'closed-before': 'The window had closed before.',
  'no-owner': 'No process owns the partition, so the request was withdrawn.',
  'under-way': 'The owner of the partition will complete it.',
}

export function RetryButton(
  props: Ordering & { readonly id: string; readonly needsLine: boolean; readonly text: string | null },
): JSX.Element {
  const { id, needsLine, text, onOpen } = props
  const [line, setLine] = useState(text ?? '')
  return (
    <Order
      onOpen={onOpen}
      button="Send again"
      label={`Send again: ${id}`}
      title="Send this record again"
      path={`/v1/dead-letters/${encodeURIComponent(id)}/retry`}
      body={needsLine || line !== (text ?? '') ? { line } : {}}
      outcome={(answer) => {
        const { sent, to } = answer as RetryAnswer
        return sent ? `Sent to ${to}.` : 'It had been sent before, so nothing was sent.'
      }}
    >
      <label>
        <span>Repaired record, as a line of the input</span>
        <textarea
          rows={4}
          class="mono"
          required={needsLine}
          value={line}
          onInput={(event) => setLine(event.currentTarget.value)}
        />
      </label>
      {!needsLine && <p class="note">If you change nothing, the record is sent as it is.</p>}
    </Order>
  )
}

interface OrderProps extends Ordering {
  readonly button: string
  /** For screen readers, if several buttons have the same text. */
  readonly label?: string
  readonly title: string
  readonly path: string
  readonly body?: Partial<OrderBody>
  readonly outcome: (answer: unknown) => string
  readonly children: ComponentChildren
}

type Sending =
  | { readonly state: 'editing' | 'sending' }
  | { readonly state: 'refused'; readonly problem: ShownProblem }
  | { readonly state: 'done'; readonly text: string }

function Order(props: OrderProps): JSX.Element {
  const { button, label, title, path, body = {}, outcome, children, onOpen } = props
  const live = useLive()
  const dialog = useRef<HTMLDialogElement>(null)
  const [token, setToken] = useState(keptToken)
  const [who, setWho] = useState('')
  const [why, setWhy] = useState('')
  const [sending, setSending] = useState<Sending>({ state: 'editing' })

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    keptToken = token
    setSending({ state: 'sending' })
    const given: OrderBody = { ...body, why, ...(who === '' ? {} : { who }) }
    const answer = await send(path, token, given)
    setSending(
      answer.problem === null
        ? { state: 'done', text: outcome(answer.data) }
        : { state: 'refused', problem: answer.problem },
    )
    live.refresh()
  }
  const open = (): void => {
    setSending({ state: 'editing' })
    onOpen(true)
    dialog.current?.showModal()
  }
  const close = (): void => dialog.current?.close()
  return (
    <>
      <button type="button" aria-label={label} onClick={open}>
        {button}
      </button>
      <dialog ref={dialog} aria-label={title} onClose={() => onOpen(false)}>
        <form class="stack" onSubmit={(event) => void submit(event)}>
          <h2>{title}</h2>
          {children}
          <Field label="Token" type="password" value={token} onChange={setToken} isRequired />
          <Field label="Reason, which is recorded" type="text" value={why} onChange={setWhy} isRequired max={500} />
          <Field label="Your name (optional)" type="text" value={who} onChange={setWho} max={60} />
          <div role="status">
            {sending.state === 'refused' && (
              <Notice kind="warn" title={sending.problem.detail}>
                <span>{sending.problem.remedy}</span>
              </Notice>
            )}
            {sending.state === 'done' && <Notice kind="plain" title={sending.text} />}
          </div>
          <div class="actions">
            <button type="button" onClick={close}>
              {sending.state === 'done' ? 'Close' : 'Cancel'}
            </button>
            {sending.state !== 'done' && (
              <button type="submit" class="primary" disabled={sending.state === 'sending'}>
                {button}
              </button>
            )}
          </div>
        </form>
      </dialog>
    </>
  )
}

function Field(props: {
  readonly label: string
  readonly type: 'text' | 'password'
  readonly value: string
  readonly onChange: (value: string) => void
  readonly isRequired?: boolean
  readonly max?: number
}): JSX.Element {
  const { label, type, value, onChange, isRequired = false, max } = props
  const common = {
    ...{ value, required: isRequired, autocomplete: 'off', ...(max === undefined ? {} : { maxLength: max }) },
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onChange(event.currentTarget.value),
  }
  return (
    <label>
      <span>{label}</span>
      {type === 'password' ? <input type="password" {...common} /> : <input type="text" {...common} />}
    </label>
  )
}
