/**
 * The page in the browser: starts it, and shows the view of its address.
 *
 *   main.tsx             this file: frame, navigation, states of the job and the connection
 *   routes.ts            addresses
 *   live.ts, use-data.ts answers of the API, kept current by server-sent events
 *   overview.tsx         heat map, open windows, series, partitions
 *   window-view.tsx      one window
 *   vm-view.tsx          one VM; vm-series.ts has its columns
 *   dead-letters-view.tsx, orders.tsx   dead letters; retry and forced close
 *   heat-map.tsx         the heat map; heat-grid.ts its cells, heat-layout.ts places, heat-canvas.ts drawing, heat-answer.ts
 *                        what an answer of the API says about them
 *   completeness.ts, marks.tsx   scale of colors and marks
 *   chart.tsx            time series by uPlot
 *   parts.tsx, text.ts   small parts and texts
 *
 * All texts from the API become text nodes: no code here writes HTML. The content security policy forbids inline scripts and
 * styles and any address but the page's own (src/page/assets.ts).
 */
import { render, type JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { JobAnswer, StatusAnswer } from '../answers.ts'
import { DeadLettersView } from './dead-letters-view.tsx'
import { inputText } from './heat-answer.ts'
import { LiveData, type ShownProblem } from './live.ts'
import { Overview } from './overview.tsx'
import { Empty, Loading, Notice, ProblemNotice } from './parts.tsx'
import { hashOf, parseHash, type PageRoute } from './routes.ts'
import { LiveContext, useAnswer, useConnection } from './use-data.ts'
import { VmView } from './vm-view.tsx'
import { WindowView } from './window-view.tsx'

/** Events after which what is shown may have changed (PageEvents). */
const EVENTS = ['hello', 'snapshot', 'problem', 'reset']
const NO_JOB_CODES = ['NO_JOB', 'NO_STATE']

function App(): JSX.Element {
  const route = useRoute()
  const job = useAnswer<JobAnswer>('/v1/job')
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  const address = addressOf(route)
  useEffect(() => {
    document.title = titleOf(route, job.data)
  }, [address, job.data?.job])
  useEffect(() => {
    // A new view begins at its top, for the eye as for the keyboard and the screen reader.
    if (!isFirst.current) {
      main.current?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    isFirst.current = false
  }, [address])
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => skipTo(event, main.current)}>
        Skip to the content
      </a>
      <Bar route={route} job={job.data} />
      <main id="content" ref={main} tabIndex={-1}>
        {job.data === null ? <WithoutJob problem={job.problem} /> : <View key={address} route={route} job={job.data} />}
      </main>
      {job.data !== null && <Footer job={job.data} />}
      <ConnectionNotice job={job.data} />
    </>
  )
}

/** Following the link would change the address, which names the view. */
function skipTo(event: Event, main: HTMLElement | null): void {
  event.preventDefault()
  main?.focus()
}

/** The part of a route that makes another view of it: another metric or reason stays in place. */
function addressOf(route: PageRoute): string {
  if (route.view === 'vm') return `vm ${route.vmId}`
  if (route.view === 'window') return `window ${route.partition} ${route.start}`
  return route.view
}

function useRoute(): PageRoute {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const change = (): void => setHash(location.hash)
    addEventListener('hashchange', change)
    return () => removeEventListener('hashchange', change)
  }, [])
  return parseHash(hash)
}

function titleOf(route: PageRoute, job: JobAnswer | null): string {
  const names = {
    overview: 'Overview',
    window: 'Window',
    vm: 'VM',
    'dead-letters': 'Dead letters',
    unknown: 'Not found',
  }
  const name = route.view === 'vm' ? route.vmId : names[route.view]
  return [name, ...(job === null ? [] : [job.job]), 'Windrow'].join(' · ')
}

function Bar({ route, job }: { readonly route: PageRoute; readonly job: JobAnswer | null }): JSX.Element {
  const tabs = [
    { href: hashOf({ view: 'overview', by: 'partition' }), text: 'Overview', isHere: route.view === 'overview' },
    {
      href: hashOf({ view: 'dead-letters', reason: null }),
      text: 'Dead letters',
      isHere: route.view === 'dead-letters',
    },
  ]
  return (
    <header class="bar">
      <div class="bar-in">
        <a class="brand" href="#/">
          <img src="/assets/icon.svg" alt="" width="24" height="24" />
          Windrow {job !== null && <span class="job">{job.job}</span>}
        </a>
        <ConnectionState />
        <nav class="tabs" aria-label="Views">
          {tabs.map(({ href, text, isHere }) => (
            <a key={href} href={href} aria-current={isHere ? 'page' : undefined}>
              {text}
            </a>
          ))}
        </nav>
        <FindVm />
      </div>
    </header>
  )
}

function FindVm(): JSX.Element {
  const [vmId, setVmId] = useState('')
  const find = (event: Event): void => {
    event.preventDefault()
    if (vmId !== '') location.hash = hashOf({ view: 'vm', vmId, metric: null })
  }
  return (
    <form class="find" role="search" onSubmit={find}>
      <input
        type="search"
        aria-label="VM id"
        placeholder="VM id"
        value={vmId}
        onInput={(event) => setVmId(event.currentTarget.value)}
        autocomplete="off"
        spellcheck={false}
      />
      <button type="submit">Find</button>
    </form>
  )
}

function ConnectionState(): JSX.Element {
  const connection = useConnection()
  const { text, style } = {
    connecting: { text: 'connecting', style: 'live is-waiting' },
    live: { text: 'live', style: 'live is-live' },
    lost: { text: 'disconnected', style: 'live is-waiting' },
  }[connection]
  return (
    <span class={style} role="status">
      {text}
    </span>
  )
}

/** Over the lower edge, so that nothing on the page moves. */
function ConnectionNotice({ job }: { readonly job: JobAnswer | null }): JSX.Element | null {
  if (useConnection() !== 'lost' || job === null) return null
  return (
    <div class="toast">
      <Notice kind="warn" title="Disconnected">
        <span>The figures are those of the last answer. The page reconnects as soon as its server is back.</span>
      </Notice>
    </div>
  )
}

function WithoutJob({ problem }: { readonly problem: ShownProblem | null }): JSX.Element {
  if (problem === null) return <Loading what="the job" />
  if (!NO_JOB_CODES.includes(problem.code)) return <ProblemNotice problem={problem} />
  return (
    <div class="card">
      <Empty title="Job not found" isView>
        {problem.detail}. {problem.remedy} This page shows the job as soon as it exists.
      </Empty>
    </div>
  )
}

function View({ route, job }: { readonly route: PageRoute; readonly job: JobAnswer }): JSX.Element {
  return (
    <>
      <Halted />
      <ResultsNotice job={job} />
      <CurrentView route={route} job={job} />
    </>
  )
}

function CurrentView({ route, job }: { readonly route: PageRoute; readonly job: JobAnswer }): JSX.Element {
  switch (route.view) {
    case 'overview':
      return <Overview by={route.by} job={job} />
    case 'window':
      return <WindowView partition={route.partition} start={route.start} job={job} />
    case 'vm':
      return <VmView vmId={route.vmId} metric={route.metric} />
    case 'dead-letters':
      return <DeadLettersView key={route.reason} reason={route.reason} job={job} />
    case 'unknown':
      return (
        <div class="card">
          <Empty title="There is no such view" isView>
            <a href="#/">Go to the overview</a>
          </Empty>
        </div>
      )
  }
}

/** On every view: without results, most of it would be empty. */
function ResultsNotice({ job: { index } }: { readonly job: JobAnswer }): JSX.Element | null {
  if (index.problem === null) return null
  return (
    <Notice kind="warn" title={index.state === 'elsewhere' ? 'No results are shown' : 'The results cannot be read'}>
      <span>{index.problem}</span>
    </Notice>
  )
}

/** On every view: a halted partition needs a decision. */
function Halted(): JSX.Element | null {
  const { data } = useAnswer<StatusAnswer>('/v1/status')
  if (data === null) return null
  const halts = [
    ...(data.halted === null ? [] : [{ name: 'The job', halt: data.halted }]),
    ...data.partitions.flatMap(({ partition, halted }) =>
      halted === null ? [] : [{ name: `Partition ${partition}`, halt: halted }],
    ),
  ]
  if (halts.length === 0) return null
  return (
    <>
      {halts.map(({ name, halt }) => (
        <Notice key={name} kind="stop" title={`${name} is halted: ${halt.code}`}>
          <span>{halt.message}</span>
          <span>{halt.remedy}</span>
        </Notice>
      ))}
    </>
  )
}

function Footer({ job }: { readonly job: JobAnswer }): JSX.Element {
  const facts = [
    `Windows of ${job.windows}`,
    job.aggregator,
    `input: ${inputText(job)}`,
    `results: ${job.results}`,
    `Windrow ${job.version}`,
    'all times are UTC',
  ]
  return <footer>{facts.join(' · ')}</footer>
}

const live = new LiveData(
  {
    fetch: (path, init) => fetch(path, init),
    openEvents: (path) => new EventSource(path),
    setTimeout: (action, ms) => window.setTimeout(action, ms),
    clearTimeout: (timer) => window.clearTimeout(timer),
    isHidden: () => document.hidden,
  },
  EVENTS,
)
document.addEventListener('visibilitychange', () => live.becameVisible())
live.start()
render(
  <LiveContext.Provider value={live}>
    <App />
  </LiveContext.Provider>,
  document.getElementById('app') as HTMLElement,
)
