/** One VM: its results over time, what its open window holds so far, and the state that the window builds on. */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { formatCount } from '../../ui/format.ts'
import type { ProvisionalAnswer, VmAnswer } from '../answers.ts'
import { Chart } from './chart.tsx'
import { Reason } from './marks.tsx'
import { Card, Empty, Loaded, Notice, Table } from './parts.tsx'
import { hashOf, vmPath } from './routes.ts'
import { counted, seqsText, valueText, windowText } from './text.ts'
import { useAnswer } from './use-data.ts'
import { metricsOfVm, summaryOf, vmSeries } from './vm-series.ts'

const MAX_RESULTS = 500

export function VmView({ vmId, metric }: { readonly vmId: string; readonly metric: string | null }): JSX.Element {
  const answer = useAnswer<VmAnswer>(vmPath(vmId, MAX_RESULTS))
  return (
    <>
      <div class="headline">
        <p class="crumbs">
          <a href={hashOf({ view: 'overview', by: 'vm' })}>VMs</a>
          {answer.data !== null && ` / Partition ${answer.data.partitions.join(', ')}`}
        </p>
        <h1>{vmId}</h1>
        <p>{answer.data === null ? 'Loading results…' : sentenceOf(answer.data)}</p>
      </div>
      <Loaded answer={answer} what="results">
        {(data) => <Content answer={data} wanted={metric} />}
      </Loaded>
    </>
  )
}

function sentenceOf({ results, open }: VmAnswer): string {
  const incomplete = results.filter(({ result }) => result.reason !== 'complete').length
  const closed =
    results.length === 0
      ? 'No window of this VM has closed yet.'
      : incomplete === 0
        ? `All ${counted(results.length, 'closed window is', 'closed windows are')} complete.`
        : `${formatCount(incomplete)} of ${counted(results.length, 'closed window', 'closed windows')} ${incomplete === 1 ? 'is' : 'are'} incomplete.`
  return open.length === 0 ? closed : `${closed} ${counted(open.length, 'window is', 'windows are')} open.`
}

function Content({ answer, wanted }: { readonly answer: VmAnswer; readonly wanted: string | null }): JSX.Element {
  const metrics = metricsOfVm(answer)
  const metric = wanted ?? metrics[0] ?? null
  return (
    <>
      {answer.partitions.length > 1 && (
        <Notice
          kind="warn"
          title={`The records of this VM arrive in the partitions ${answer.partitions.join(' and ')}`}
        >
          <span>
            Its producers use different partitioners or keys, so each result lacks the points of the other partition.
          </span>
        </Notice>
      )}
      {metric === null ? (
        <Card title="Values">
          <Empty title="No values">
            The aggregator of the job gives no figures by metric, or no point has arrived.
          </Empty>
        </Card>
      ) : (
        <Values answer={answer} metric={metric} metrics={metrics} />
      )}
      {answer.open.map((one) => (
        <Provisional key={`${one.partition} ${one.windowStart}`} window={one} metric={metric} />
      ))}
      <Card title="Results" aside={<span class="note">newest first</span>}>
        <Results answer={answer} metric={metric} />
      </Card>
      <Card title="Prior state">
        <p class="note">What the VM’s last closed window passes to its next window.</p>
        {answer.priorState === null ? (
          <Empty title="None">No window of this VM with points has closed.</Empty>
        ) : (
          <pre class="bytes large" tabIndex={0} role="group" aria-label="Prior state">
            {JSON.stringify(answer.priorState, null, 2)}
          </pre>
        )}
      </Card>
    </>
  )
}

function Values(props: {
  readonly answer: VmAnswer
  readonly metric: string
  readonly metrics: readonly string[]
}): JSX.Element {
  const { answer, metric, metrics } = props
  const series = useMemo(() => vmSeries(answer, metric), [answer, metric])
  const lines = useMemo(
    () => [
      { label: 'p99', color: '--series-1', values: series.p99, width: 1, dash: [4, 3] },
      { label: 'p95', color: '--series-1', values: series.p95, width: 1 },
      { label: 'p50', color: '--series-1', values: series.p50, width: 2, hasPoints: series.times.length < 60 },
      { label: 'revised', color: '--series-2', values: series.revised, isDots: true },
      { label: 'provisional', color: '--series-3', values: series.provisional, isDots: true, isHollow: true },
    ],
    [series],
  )
  const last = series.p50.findLast((value) => value !== null) ?? null
  const text = last === null ? 'no value' : `p50 ${valueText(last)} in the newest window`
  return (
    <Card
      title={`${metric} by window`}
      aside={
        metrics.length > 1 && (
          <nav class="choices" aria-label="Metric">
            {metrics.map((name) => (
              <a
                key={name}
                href={hashOf({ view: 'vm', vmId: answer.vmId, metric: name })}
                aria-current={name === metric ? 'true' : undefined}
              >
                {name}
              </a>
            ))}
          </nav>
        )
      }
    >
      <ul class="legend lines" aria-label="Lines">
        <li class="key-p50">p50</li>
        <li class="key-p95">p95</li>
        <li class="key-p99">p99</li>
        <li class="key-revised">revised</li>
        <li class="key-provisional">provisional: the window is open</li>
      </ul>
      <Chart
        label={`${metric} by window: ${text}. The table of results has all values.`}
        times={series.times}
        lines={lines}
        band={[0, 2]}
        format={valueText}
        height={300}
        isFromZero={false}
      />
    </Card>
  )
}

function Provisional(props: { readonly window: ProvisionalAnswer; readonly metric: string | null }): JSX.Element {
  const { window, metric } = props
  const { partition, windowStart, windowEnd, expected, received, missingCount, producers, problem } = window
  const summary = metric === null ? null : summaryOf(window.metrics, metric)
  return (
    <Card title="Open window" aside={<span class="note">provisional: the values change until it closes</span>}>
      <Table
        caption="Open window of this VM, provisional"
        head={['Window (UTC)', 'Expected', 'Received', 'Missing', 'Missing seqs', 'mean', 'p50', 'p95', 'p99']}
        numbers={[1, 2, 3, 5, 6, 7, 8]}
      >
        <tr>
          <th scope="row" class="nowrap">
            <a href={hashOf({ view: 'window', partition, start: windowStart })}>{windowText(windowStart, windowEnd)}</a>
          </th>
          <td class="num">{expected === null ? 'unknown' : formatCount(expected)}</td>
          <td class="num">{formatCount(received)}</td>
          <td class="num">{formatCount(missingCount)}</td>
          <td class="wide mono">
            {producers
              .map(({ missing }) => seqsText(missing))
              .filter(Boolean)
              .join('; ')}
          </td>
          {[summary?.mean, summary?.p50, summary?.p95, summary?.p99].map((value, index) => (
            <td key={index} class="num">
              {valueText(value ?? null)}
            </td>
          ))}
        </tr>
      </Table>
      {problem !== null && <p class="note">{problem}</p>}
    </Card>
  )
}

function Results({ answer, metric }: { readonly answer: VmAnswer; readonly metric: string | null }): JSX.Element {
  if (answer.results.length === 0) return <Empty title="No result yet">A result appears when a window closes.</Empty>
  return (
    <>
      <Table
        caption="Results of this VM, newest first"
        head={[
          'Window (UTC)',
          'Reason',
          'Revision',
          'Expected',
          'Received',
          'Duplicates',
          'Missing',
          'Missing seqs',
          'mean',
          'p50',
          'p95',
          'p99',
        ]}
        numbers={[2, 3, 4, 5, 6, 8, 9, 10, 11]}
        isTall
      >
        {answer.results
          .map(({ partition, result }) => {
            const summary = metric === null ? null : summaryOf(result.metrics, metric)
            return (
              <tr key={`${partition} ${result.windowStart}`}>
                <th scope="row" class="nowrap">
                  <a href={hashOf({ view: 'window', partition, start: result.windowStart })}>
                    {windowText(result.windowStart, result.windowEnd)}
                  </a>
                </th>
                <td>
                  <Reason mark={result.reason} />
                </td>
                <td class="num">{result.revision}</td>
                <td class="num">{result.expected === null ? 'unknown' : formatCount(result.expected)}</td>
                <td class="num">{formatCount(result.received)}</td>
                <td class="num">{formatCount(result.duplicates)}</td>
                <td class="num">{formatCount(result.missingCount)}</td>
                <td class="wide mono">{seqsText(result.missing)}</td>
                {[summary?.mean, summary?.p50, summary?.p95, summary?.p99].map((value, index) => (
                  <td key={index} class="num">
                    {valueText(value ?? null)}
                  </td>
                ))}
              </tr>
            )
          })
          .reverse()}
      </Table>
      {answer.more > 0 && (
        <p class="note">
          The newest {formatCount(answer.results.length)} results are shown, and {formatCount(answer.more)} older ones
          are not.
        </p>
      )}
    </>
  )
}
