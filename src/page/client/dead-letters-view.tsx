/** Dead letters: how many there are by reason, and for each record its place, its bytes and what to do. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import type { JobAnswer, LetterAnswer, LettersAnswer } from '../answers.ts'
import { RetryButton } from './orders.tsx'
import { Card, Empty, Loaded } from './parts.tsx'
import { hashOf } from './routes.ts'
import { windowText } from './text.ts'
import { useAnswer } from './use-data.ts'

const PAGE = 25

export function DeadLettersView({
  reason,
  job,
}: {
  readonly reason: string | null
  readonly job: JobAnswer
}): JSX.Element {
  const [after, setAfter] = useState<string | null>(null)
  const query = [
    `limit=${PAGE}`,
    ...(reason === null ? [] : [`reason=${encodeURIComponent(reason)}`]),
    ...(after === null ? [] : [`after=${encodeURIComponent(after)}`]),
  ]
  const answer = useAnswer<LettersAnswer>(`/v1/dead-letters?${query.join('&')}`)
  return (
    <>
      <div class="headline">
        <h1>Dead letters</h1>
        <p>
          Records that do not count, with the reason. Nothing is dropped silently: each record that was refused is here.
        </p>
      </div>
      <Loaded answer={answer} what="dead letters">
        {(data) => (
          <>
            <Reasons answer={data} reason={reason} onChoose={() => setAfter(null)} />
            <Letters answer={data} job={job} isFirst={after === null} onPage={setAfter} />
          </>
        )}
      </Loaded>
    </>
  )
}

function Reasons(props: {
  readonly answer: LettersAnswer
  readonly reason: string | null
  readonly onChoose: () => void
}): JSX.Element | null {
  const { answer, reason, onChoose } = props
  const reasons = Object.entries(answer.byReason).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  if (reasons.length === 0) return null
  const all = reasons.reduce((sum, [, count]) => sum + count, 0)
  const choices: readonly (readonly [string | null, string, number])[] = [
    [null, 'all', all],
    ...reasons.map(([name, count]) => [name, name, count] as const),
  ]
  return (
    <nav class="choices" aria-label="Reason">
      {choices.map(([value, text, count]) => (
        <a
          key={text}
          href={hashOf({ view: 'dead-letters', reason: value })}
          aria-current={value === reason ? 'true' : undefined}
          onClick={onChoose}
        >
          {text} <span class="num">{formatCount(count)}</span>
        </a>
      ))}
    </nav>
  )
}

function Letters(props: {
  readonly answer: LettersAnswer
  readonly job: JobAnswer
  readonly isFirst: boolean
  readonly onPage: (after: string | null) => void
}): JSX.Element {
  const { answer, job, isFirst, onPage } = props
  if (answer.items.length === 0) {
    return (
      <Card title="Records">
        <Empty title="No dead letter">{answer.total === 0 ? 'Every record that was read could be used.' : ''}</Empty>
      </Card>
    )
  }
  return (
    <Card
      title={`${formatCount(answer.total)} ${answer.total === 1 ? 'record' : 'records'}`}
      aside={<span class="note">newest first</span>}
    >
      <ul class="letters">
        {answer.items.map((letter) => (
          <Letter key={letter.id} letter={letter} job={job} />
        ))}
      </ul>
      {answer.isTruncated && <p class="note">Older dead letters are counted, but cannot be listed here.</p>}
      {(answer.next !== null || !isFirst) && (
        <div class="actions">
          <button type="button" disabled={isFirst} onClick={() => onPage(null)}>
            First page
          </button>
          <button type="button" disabled={answer.next === null} onClick={() => onPage(answer.next)}>
            Next page
          </button>
        </div>
      )}
    </Card>
  )
}

function Letter({ letter, job }: { readonly letter: LetterAnswer; readonly job: JobAnswer }): JSX.Element {
  const {
    id,
    reason,
    detail,
    remedy,
    place,
    vmId,
    windowStart,
    windowEnd,
    size,
    text,
    isWhole,
    publishedAtMs,
    isRetried,
  } = letter
  const [isOrdering, setOrdering] = useState(false)
  const where =
    place ?? (windowStart === null || windowEnd === null ? '' : `window ${windowText(windowStart, windowEnd)}`)
  return (
    <li>
      <div class="row">
        <h3>
          <span class="tag">{reason}</span> <span class="mono">{where}</span>
        </h3>
        {isRetried && <span class="note">sent again</span>}
        {job.canAct && letter.retry !== 'none' && (!isRetried || isOrdering) && (
          <RetryButton id={id} needsLine={letter.retry === 'repaired'} text={text} onOpen={setOrdering} />
        )}
      </div>
      <p class="detail">{detail}</p>
      <p class="note">{remedy}</p>
      {text !== null && (
        <pre class="bytes" tabIndex={0} role="group" aria-label={`Bytes of ${id}`}>
          {text}
        </pre>
      )}
      <p class="note">
        {vmId !== null && (
          <>
            VM <a href={hashOf({ view: 'vm', vmId, metric: null })}>{vmId}</a> ·{' '}
          </>
        )}
        id <code>{id}</code>
        {size !== null && ` · ${formatBytes(size)}${isWhole ? '' : ', of which the first are shown'}`}
        {publishedAtMs !== null && ` · ${formatTime(Math.floor(publishedAtMs / 1000) * 1000)} UTC`}
      </p>
    </li>
  )
}
