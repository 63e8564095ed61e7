/** The overview: is every closed window complete, what do the open ones wait for, and does the job keep up. */
import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { formatCompact, formatCount, formatDuration, formatTime } from '../../ui/format.ts'
import type {
  HeatAnswer,
  JobAnswer,
  OpenAnswer,
  OpenWindowAnswer,
  PartitionWindowAnswer,
  SeriesAnswer,
  StatusAnswer,
  WindowsAnswer,
} from '../answers.ts'
import { Chart } from './chart.tsx'
import { shareText } from './completeness.ts'
import { cellAddress, cellBrief, cellFigures, cellText, gridOf, heatPath } from './heat-answer.ts'
import { HeatMap } from './heat-map.tsx'
import { Legend, Reason } from './marks.tsx'
import { Card, Empty, Figures, Loaded, Meter, Table, type FigureItem } from './parts.tsx'
import { hashOf, type HeatBy } from './routes.ts'
import { counted, windowText } from './text.ts'
import { useAnswer } from './use-data.ts'

const WAITING = 3
const MAX_INCOMPLETE = 10

export function Overview({ by, job }: { readonly by: HeatBy; readonly job: JobAnswer }): JSX.Element {
  const status = useAnswer<StatusAnswer>('/v1/status')
  const windows = useAnswer<WindowsAnswer>('/v1/windows?limit=1000')
  const open = useAnswer<OpenAnswer>(`/v1/open?limit=${WAITING}`)
  const heat = useAnswer<HeatAnswer>(heatPath(by))
  return (
    <>
      <Headline windows={windows.data} open={open.data} job={job} />
      <section class="card" aria-label="Records">
        <Loaded answer={status} what="figures">
          {(data) => <Figures items={figuresOf(data)} />}
        </Loaded>
      </section>
      <Card title="Completeness by window" aside={<RowChoice by={by} />}>
        <Loaded answer={heat} what="windows">
          {(data) => <Heat answer={data} />}
        </Loaded>
      </Card>
      <Card title="Open windows">
        <Loaded answer={open} what="open windows">
          {(data) => <OpenWindows windows={data.windows} />}
        </Loaded>
      </Card>
      <Card title="Closed incomplete" aside={<span class="note">newest first</span>}>
        <Loaded answer={windows} what="closed windows">
          {(data) => <Incomplete answer={data} />}
        </Loaded>
      </Card>
      <Series hasLog={job.topic !== null} />
      <Card title="Partitions">
        <Loaded answer={status} what="partitions">
          {(data) => <Partitions status={data} />}
        </Loaded>
      </Card>
    </>
  )
}

function Headline(props: {
  readonly windows: WindowsAnswer | null
  readonly open: OpenAnswer | null
  readonly job: JobAnswer
}): JSX.Element {
  const { windows, open, job } = props
  return (
    <div class="headline">
      <h1>{windows === null ? 'Loading windows…' : closedText(windows)}</h1>
      <p>
        {open === null ? 'Loading open windows…' : openText(open.windows)} As of {formatTime(job.takenAtMs)} UTC.
        {job.index.state === 'loading' && ' Results are still being read.'}
      </p>
    </div>
  )
}

function closedText({ windows, more }: WindowsAnswer): string {
  if (windows.length === 0) return 'No window has closed yet'
  const incomplete = windows.filter(({ complete }) => !complete).length
  const all =
    more === 0
      ? counted(windows.length, 'closed window', 'closed windows')
      : `the latest ${formatCount(windows.length)} windows`
  if (incomplete === 0 && more > 0) return `All of ${all} are complete`
  if (incomplete === 0) return windows.length === 1 ? 'The closed window is complete' : `All ${all} are complete`
  return `${formatCount(incomplete)} of ${all} ${incomplete === 1 ? 'is' : 'are'} incomplete`
}

function openText(windows: readonly OpenWindowAnswer[]): string {
  if (windows.length === 0) return 'No window is open.'
  const producers = windows.reduce((sum, { waitsFor }) => sum + waitsFor.total, 0)
  const are = counted(windows.length, 'window is', 'windows are')
  return producers === 0
    ? `${are} open.`
    : `${are} open and ${windows.length === 1 ? 'waits' : 'wait'} for ${counted(producers, 'producer', 'producers')}.`
}

function figuresOf({ counts, partitions, topic }: StatusAnswer): FigureItem[] {
  const items = (['consumed', 'accepted', 'duplicate', 'conflict', 'late', 'rejected', 'manifests'] as const).map(
    (fate): FigureItem => ({
      label: fate,
      value: formatCount(counts[fate]),
      isWarning: (fate === 'conflict' || fate === 'late' || fate === 'rejected') && counts[fate] > 0,
    }),
  )
  if (topic === null) return items
  const known = partitions.every(({ lag }) => lag !== null)
  const lag = partitions.reduce((sum, one) => sum + (one.lag ?? 0), 0)
  return [...items, { label: 'lag', value: known ? formatCount(lag) : 'unknown' }]
}

function RowChoice({ by }: { readonly by: HeatBy }): JSX.Element {
  const choices: readonly (readonly [HeatBy, string])[] = [
    ['partition', 'Partitions'],
    ['group', 'VM groups'],
    ['vm', 'VMs'],
  ]
  return (
    <nav class="choices" aria-label="Rows of the heat map">
      {choices.map(([value, text]) => (
        <a key={value} href={hashOf({ view: 'overview', by: value })} aria-current={value === by ? 'true' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  )
}

function Heat({ answer }: { readonly answer: HeatAnswer }): JSX.Element {
  const grid = useMemo(() => gridOf(answer), [answer])
  if (answer.rows.length === 0 || answer.windows.length === 0) {
    return <Empty title="No window yet">The first window appears with its first record.</Empty>
  }
  const rows = { partition: 'partitions', group: 'groups of VMs', vm: 'VMs' }[answer.by]
  const label = `Heat map of ${formatCount(answer.rows.length)} ${rows} and ${counted(answer.windows.length, 'window', 'windows')}.`
  return (
    <>
      <Legend />
      <HeatMap
        grid={grid}
        label={label}
        describe={(cell) => cellText(answer, cell)}
        addressOf={(cell) => cellAddress(answer, cell)}
      />
      {answer.rows.length < answer.totalRows && (
        <p class="note">
          The first {formatCount(answer.rows.length)} of {formatCount(answer.totalRows)} {rows} are shown.
        </p>
      )}
      <HeatTable answer={answer} />
    </>
  )
}

const TABLE_ROWS = 100

/** The same cells as text. It is built when it is opened, since it may have thousands of cells. */
function HeatTable({ answer }: { readonly answer: HeatAnswer }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const rows = answer.rows.slice(0, TABLE_ROWS)
  const title = { partition: 'Partition', group: 'VMs', vm: 'VM' }[answer.by]
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show as a table</summary>
      {isOpen && (
        <>
          <Table
            caption="Completeness by window, newest window first"
            head={[title, ...answer.windows.map(({ start, end }) => windowText(start, end)).reverse()]}
            numbers={[]}
            isTall
          >
            {rows.map((row, index) => (
              <tr key={row.key}>
                <th scope="row" class="nowrap">
                  {row.label}
                </th>
                {answer.windows
                  .map((window, column) => (
                    <HeatTableCell key={window.start} answer={answer} row={index} column={column} />
                  ))
                  .reverse()}
              </tr>
            ))}
          </Table>
          {rows.length < answer.rows.length && (
            <p class="note">
              The table has the first {TABLE_ROWS} of {formatCount(answer.rows.length)} rows. The page of a VM has all
              of its windows.
            </p>
          )}
        </>
      )}
    </details>
  )
}

function HeatTableCell(props: {
  readonly answer: HeatAnswer
  readonly row: number
  readonly column: number
}): JSX.Element {
  const cell = { row: props.row, column: props.column }
  const figures = cellFigures(props.answer, cell)
  if (figures === null) return <td class="quiet">none</td>
  const address = cellAddress(props.answer, cell)
  const text = cellBrief(figures)
  return <td class="nowrap">{address === null ? text : <a href={address}>{text}</a>}</td>
}

function OpenWindows({ windows }: { readonly windows: readonly OpenWindowAnswer[] }): JSX.Element {
  if (windows.length === 0)
    return <Empty title="No window is open">All records that were read are in closed windows.</Empty>
  return (
    <Table
      caption="Open windows and what each waits for"
      head={['Window (UTC)', 'Partition', 'VM windows', 'Complete producers', 'Received', 'Missing', 'Waits for']}
      numbers={[1, 2, 4, 5]}
      isTall
    >
      {windows.map((one) => (
        <tr key={`${one.partition} ${one.start}`}>
          <th scope="row" class="nowrap">
            <a href={hashOf({ view: 'window', partition: one.partition, start: one.start })}>
              {windowText(one.start, one.end)}
            </a>
          </th>
          <td class="num">{one.partition}</td>
          <td class="num">{formatCount(one.vmWindows)}</td>
          <td class="nowrap">
            <Meter part={one.complete} whole={one.waitedFor} />{' '}
            <span class="num">
              {formatCount(one.complete)} of {formatCount(one.waitedFor)}
            </span>
          </td>
          <td class="num">{formatCount(one.received)}</td>
          <td class="num">{one.expected === null ? 'unknown' : formatCount(one.missing)}</td>
          <td class="wide">
            <WaitsFor window={one} />
          </td>
        </tr>
      ))}
    </Table>
  )
}

function WaitsFor({ window: { waitsFor, partition, start } }: { readonly window: OpenWindowAnswer }): JSX.Element {
  if (waitsFor.total === 0) return <span class="quiet">its grace period</span>
  const more = waitsFor.total - waitsFor.first.length
  return (
    <>
      {waitsFor.first.map(({ vmId, producer, state, missingCount }, index) => (
        <span key={`${vmId} ${producer}`}>
          {index > 0 && ', '}
          <a href={hashOf({ view: 'vm', vmId, metric: null })}>{vmId}</a>
          <span class="quiet"> {state === 'missing' ? `${formatCount(missingCount)} missing` : state}</span>
        </span>
      ))}
      {more > 0 && (
        <>
          {' '}
          and <a href={hashOf({ view: 'window', partition, start })}>{counted(more, 'other', 'others')}</a>
        </>
      )}
    </>
  )
}

function Incomplete({ answer: { windows, more } }: { readonly answer: WindowsAnswer }): JSX.Element {
  const incomplete = windows.filter(({ complete }) => !complete)
  if (windows.length === 0)
    return <Empty title="No window has closed yet">A window closes when its points are complete.</Empty>
  if (incomplete.length === 0) {
    return (
      <Empty title="Nothing is missing">{`Each of the ${more === 0 ? '' : 'latest '}${formatCount(windows.length)} closed windows has every point that was announced.`}</Empty>
    )
  }
  const shown = incomplete.slice(0, MAX_INCOMPLETE)
  return (
    <>
      <Table
        caption="Closed windows that are incomplete"
        head={[
          'Window (UTC)',
          'Partition',
          'Reason',
          'Complete VM windows',
          'Expected',
          'Received',
          'Missing',
          'Share',
        ]}
        numbers={[1, 3, 4, 5, 6, 7]}
      >
        {shown.map((one) => (
          <IncompleteRow key={`${one.partition} ${one.windowStart}`} window={one} />
        ))}
      </Table>
      {incomplete.length > shown.length && (
        <p class="note">
          The newest {shown.length} of {formatCount(incomplete.length)}. The heat map has the others.
        </p>
      )}
    </>
  )
}

function IncompleteRow({ window: one }: { readonly window: PartitionWindowAnswer }): JSX.Element {
  return (
    <tr>
      <th scope="row" class="nowrap">
        <a href={hashOf({ view: 'window', partition: one.partition, start: one.windowStart })}>
          {windowText(one.windowStart, one.windowEnd)}
        </a>
      </th>
      <td class="num">{one.partition}</td>
      <td>
        <Reason mark={one.reason} />
      </td>
      <td class="num">
        {formatCount(one.byReason.complete ?? 0)} of {formatCount(one.vmWindows)}
      </td>
      <td class="num">{one.expected === null ? 'unknown' : formatCount(one.expected)}</td>
      <td class="num">{formatCount(one.received)}</td>
      <td class="num">{formatCount(one.missing)}</td>
      <td class="num">{one.expected === null ? '' : shareText(one.missing, one.expected)}</td>
    </tr>
  )
}

function Series({ hasLog }: { readonly hasLog: boolean }): JSX.Element {
  const answer = useAnswer<SeriesAnswer>('/v1/series')
  return (
    <div class="grid-3">
      <SeriesCard
        title="Throughput"
        answer={answer.data}
        pick={(series) => series.recordsPerSecond}
        unit="records per second"
        format={formatCompact}
        color="--series-1"
      />
      <SeriesCard
        title="Lag"
        answer={answer.data}
        pick={(series) => series.lag}
        unit="records not read yet"
        format={formatCompact}
        color="--series-2"
        none={hasLog ? undefined : 'Only topics have a lag.'}
      />
      <SeriesCard
        title="Close latency"
        answer={answer.data}
        pick={(series) => series.closeMs}
        unit="workflows of a close, longest per sample"
        format={formatDuration}
        color="--series-3"
        isDots
        none="No close whose workflows the engine still has."
      />
    </div>
  )
}

function SeriesCard(props: {
  readonly title: string
  readonly answer: SeriesAnswer | null
  readonly pick: (series: SeriesAnswer) => readonly (number | null)[]
  readonly unit: string
  readonly format: (value: number) => string
  readonly color: string
  readonly isDots?: boolean
  /** Why there is no value. */
  readonly none?: string | undefined
}): JSX.Element {
  const { title, answer, pick, unit, format, color, isDots = false, none = 'No value yet.' } = props
  const values = useMemo(() => (answer === null ? [] : pick(answer)), [answer])
  const lines = useMemo(() => [{ label: title, color, values, isDots }], [values])
  const last = values.findLast((value) => value !== null) ?? null
  const text = last === null ? 'no value yet' : format(last)
  return (
    <Card title={title} aside={<span class="note">{unit}</span>}>
      {answer === null || last === null ? (
        <div class="empty chart">{answer === null ? `Loading ${title.toLowerCase()}…` : none}</div>
      ) : (
        <Chart
          label={`${title}, ${unit}: ${text} at the end`}
          times={answer.atMs}
          lines={lines}
          format={format}
          height={180}
          isFromZero
        />
      )}
    </Card>
  )
}

function Partitions({ status }: { readonly status: StatusAnswer }): JSX.Element {
  const hasLog = status.topic !== null
  return (
    <Table
      caption="Partitions as of their last commits"
      head={[
        'Partition',
        'Epoch',
        'Commit',
        'Published',
        'Next offset',
        ...(hasLog ? ['Log end', 'Lag'] : []),
        'Watermark (UTC)',
        'Open',
        'Late',
        'State',
      ]}
      numbers={hasLog ? [1, 2, 3, 4, 5, 6, 8, 9] : [1, 2, 3, 4, 6, 7]}
      isTall
    >
      {status.partitions.map((one) => (
        <tr key={one.partition}>
          <th scope="row">{one.partition}</th>
          <td class="num">{one.owner === null ? 'none' : formatCount(one.owner.epoch)}</td>
          <td class="num">{formatCount(one.commit)}</td>
          <td class="num">{formatCount(one.published)}</td>
          <td class="num">{one.resumeOffset === null ? '' : formatCount(one.resumeOffset)}</td>
          {hasLog && <td class="num">{one.logEnd === null ? 'unknown' : formatCount(one.logEnd)}</td>}
          {hasLog && <td class="num">{one.lag === null ? 'unknown' : formatCount(one.lag)}</td>}
          <td class="nowrap">{one.watermark === null ? '' : formatTime(one.watermark)}</td>
          <td class="num">{one.open.length}</td>
          <td class="num">{formatCount(one.late.pending)}</td>
          <td class="nowrap">
            {one.halted === null ? (one.owner === null ? 'not started' : 'in order') : `halted: ${one.halted.code}`}
          </td>
        </tr>
      ))}
    </Table>
  )
}
