/** One window: what it waits for or what it lacks, its records, its certificate with the chain, and its workflow instances. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { formatCount, formatDuration, formatTime } from '../../ui/format.ts'
import type {
  ChainAnswer,
  ChainLink,
  JobAnswer,
  OpenWindowAnswer,
  WaitingAnswer,
  WindowAnswer,
  WindowVmAnswer,
} from '../answers.ts'
import { MARK_TEXTS, shareText } from './completeness.ts'
import { Reason } from './marks.tsx'
import { CloseButton } from './orders.tsx'
import { Card, Empty, Facts, Figures, Loaded, Notice, Table, type FigureItem } from './parts.tsx'
import { hashOf } from './routes.ts'
import { counted, seqsText, windowText } from './text.ts'
import { useAnswer } from './use-data.ts'

export function WindowView(props: {
  readonly partition: number
  readonly start: number
  readonly job: JobAnswer
}): JSX.Element {
  const { partition, start, job } = props
  const [after, setAfter] = useState<string | null>(null)
  const page = after === null ? '' : `?after=${encodeURIComponent(after)}`
  const answer = useAnswer<WindowAnswer>(`/v1/windows/${partition}/${start}${page}`)
  return (
    <>
      <div class="row">
        <div class="headline">
          <p class="crumbs">
            <a href={hashOf({ view: 'overview', by: 'partition' })}>Overview</a> / Partition {partition}
          </p>
          <h1>Window {answer.data === null ? formatTime(start) : `${windowText(start, answer.data.end)} UTC`}</h1>
          <p>{answer.data === null ? 'Loading the window…' : sentenceOf(answer.data)}</p>
        </div>
        {answer.data === null ? null : <Neighbours of={answer.data} />}
      </div>
      <Loaded answer={answer} what="the window">
        {(data) => <Content answer={data} job={job} isFirst={after === null} onPage={setAfter} />}
      </Loaded>
    </>
  )
}

/** The windows before and after it, at the same partition. */
function Neighbours(props: { readonly of: WindowAnswer }): JSX.Element {
  const { partition, previous, end } = props.of
  return (
    <nav class="choices" aria-label="Neighbouring windows">
      <a href={hashOf({ view: 'window', partition, start: previous })}>← Earlier</a>
      <a href={hashOf({ view: 'window', partition, start: end })}>Later →</a>
    </nav>
  )
}

function sentenceOf({ state, open, closed, trigger, forced, vms }: WindowAnswer): string {
  if (state === 'closing') return 'The window is closing: its results are not published yet.'
  if (open !== null) {
    const { total } = open.waitsFor
    return total === 0
      ? 'The window is open. No producer holds it back: it waits for its grace period.'
      : `The window is open and waits for ${counted(total, 'producer', 'producers')}.`
  }
  if (closed === null) return 'The window has closed. Its results were not read.'
  const by = forced === null ? '' : ` by ${forced.who}: ${forced.why}`
  const how = trigger === null || trigger === 'complete' ? 'Closed' : `${MARK_TEXTS[trigger].replace(/^c/, 'C')}${by}`
  if (closed.complete) return `${how}. All ${counted(closed.vmWindows, 'VM window is', 'VM windows are')} complete.`
  const missing = closed.missing === 0 ? '' : `, and ${counted(closed.missing, 'point is', 'points are')} missing`
  const are = vms.total === 1 ? 'is' : 'are'
  return `${how}. ${formatCount(vms.total)} of ${counted(closed.vmWindows, 'VM window', 'VM windows')} ${are} incomplete${missing}.`
}

function Content(props: {
  readonly answer: WindowAnswer
  readonly job: JobAnswer
  readonly isFirst: boolean
  readonly onPage: (after: string | null) => void
}): JSX.Element {
  const { answer, job, isFirst, onPage } = props
  const { vms, open, closed } = answer
  const [isOrdering, setOrdering] = useState(false)
  return (
    <>
      <section class="card" aria-label="Figures">
        <Figures items={figuresOf(answer)} />
        {(open !== null || isOrdering) && (
          <div class="row">
            <p class="note">{open !== null && closesText(open)}</p>
            {job.canAct && <CloseButton partition={answer.partition} start={answer.start} onOpen={setOrdering} />}
          </div>
        )}
      </section>
      <Card
        title={open === null ? 'VMs that are incomplete' : 'VMs that hold the window back'}
        aside={<span class="note">first those that lack most</span>}
      >
        {vms.items.length === 0 ? (
          <Empty title={open === null ? 'Every VM is complete' : 'No VM holds it back'}>
            {closed === null
              ? ''
              : `All points that were announced for ${counted(closed.vmWindows, 'VM', 'VMs')} have arrived.`}
          </Empty>
        ) : (
          <VmTable items={vms.items} isOpen={open !== null} />
        )}
        {(vms.next !== null || !isFirst) && (
          <div class="row">
            <span class="note">
              {formatCount(vms.items.length)} of {formatCount(vms.total)} VMs on this page
            </span>
            <span class="actions">
              <button type="button" disabled={isFirst} onClick={() => onPage(null)}>
                First page
              </button>
              <button type="button" disabled={vms.next === null} onClick={() => onPage(vms.next)}>
                Next page
              </button>
            </span>
          </div>
        )}
      </Card>
      <div class="grid-2">
        <Card title="Records by fate">
          <Records answer={answer} />
        </Card>
        <Card title="Certificate">
          {answer.certified === null ? (
            <Empty title="No certificate">
              {open === null ? 'It was not read.' : 'The window gets one when it closes.'}
            </Empty>
          ) : (
            <Certified chain={answer.certified} partition={answer.partition} />
          )}
        </Card>
      </div>
      <Card title="Workflow instances">
        <Workflows workflows={answer.workflows} />
      </Card>
    </>
  )
}

function closesText({ graceEndsMs, deadlineMs }: OpenWindowAnswer): string {
  const grace = `when a quorum of VMs has passed ${formatTime(graceEndsMs)} UTC`
  return deadlineMs === null
    ? `It closes when it is complete, or ${grace}.`
    : `It closes when it is complete, ${grace}, or after ${formatTime(deadlineMs)} UTC without new records.`
}

function figuresOf({ open, closed, state }: WindowAnswer): FigureItem[] {
  const one = open ?? closed
  if (one === null) return [{ label: 'state', value: state }]
  const complete = open === null ? (closed?.byReason.complete ?? 0) : open.complete
  const whole = open === null ? (closed?.vmWindows ?? 0) : open.waitedFor
  const unknown = one.expected === null
  return [
    {
      label: 'complete',
      value: formatCount(complete),
      unit: `of ${formatCount(whole)} ${open === null ? 'VM windows' : 'producers'}`,
    },
    { label: 'expected', value: unknown ? 'unknown' : formatCount(one.expected) },
    { label: 'received', value: formatCount(one.received) },
    {
      label: 'missing',
      value: formatCount(one.missing),
      isWarning: one.missing > 0,
      ...(unknown || one.missing === 0 ? {} : { unit: `${shareText(one.missing, one.expected)} arrived` }),
    },
    { label: 'duplicates', value: formatCount(one.duplicates) },
    { label: 'conflicts', value: formatCount(one.conflicts), isWarning: one.conflicts > 0 },
    { label: 'no readings', value: formatCount(one.noReadings) },
    ...(closed === null ? [] : [{ label: 'revised', value: formatCount(closed.revised) }]),
  ]
}

function VmTable({
  items,
  isOpen,
}: {
  readonly items: readonly WindowVmAnswer[]
  readonly isOpen: boolean
}): JSX.Element {
  return (
    <Table
      caption={isOpen ? 'VMs that hold the window back' : 'VMs that are incomplete'}
      head={['VM', 'Producer', isOpen ? 'State' : 'Reason', 'Expected', 'Received', 'Missing', 'Missing seqs']}
      numbers={[3, 4, 5]}
      isTall
    >
      {items.flatMap((vm) =>
        vm.producers.length === 0
          ? [<VmRow key={vm.vmId} vm={vm} producer={null} />]
          : vm.producers.map((one) => <VmRow key={`${vm.vmId}\n${one.producer}`} vm={vm} producer={one} />),
      )}
    </Table>
  )
}

function VmRow({
  vm,
  producer,
}: {
  readonly vm: WindowVmAnswer
  readonly producer: WaitingAnswer | null
}): JSX.Element {
  const { expected, received, missing, missingCount } = producer ?? vm
  const listed = missing.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  return (
    <tr>
      <th scope="row" class="wide">
        <a href={hashOf({ view: 'vm', vmId: vm.vmId, metric: null })}>{vm.vmId}</a>
        {(vm.revision ?? 1) > 1 && <span class="quiet"> revision {vm.revision}</span>}
      </th>
      <td>{producer === null || producer.producer === '' ? <span class="quiet">default</span> : producer.producer}</td>
      <td>
        {vm.reason === null ? (producer?.state ?? 'open') : <Reason mark={vm.reason} />}
        {vm.error !== null && <span class="quiet"> {vm.error}</span>}
      </td>
      <td class="num">{expected === null ? 'unknown' : formatCount(expected)}</td>
      <td class="num">{formatCount(received)}</td>
      <td class="num">{formatCount(missingCount)}</td>
      <td class="wide mono">
        {missing.length === 0 ? <span class="quiet">none listed</span> : seqsText(missing)}
        {listed < missingCount && missing.length > 0 && <span class="quiet"> and more</span>}
      </td>
    </tr>
  )
}

const FATES = ['consumed', 'accepted', 'duplicate', 'conflict', 'late', 'rejected', 'manifests'] as const

function Records({ answer: { records, open } }: { readonly answer: WindowAnswer }): JSX.Element {
  if (records === null) {
    return (
      <Empty title={open === null ? 'Unknown' : 'Not counted yet'}>
        {open === null
          ? 'The certificate before this one was not read.'
          : 'A certificate counts them when the window closes.'}
      </Empty>
    )
  }
  return (
    <>
      <p class="note">Records that were read between the certificate before this one and this one.</p>
      <Table caption="Records by fate" head={['Fate', 'Records']} numbers={[1]}>
        {FATES.map((fate) => (
          <tr key={fate}>
            <th scope="row">{fate}</th>
            <td class="num">{formatCount(records[fate])}</td>
          </tr>
        ))}
      </Table>
    </>
  )
}

const CHAIN_TEXTS: Readonly<Record<ChainAnswer['chain'], string>> = {
  holds: 'holds: digest and predecessor are right',
  broken: 'BROKEN: the digest or the predecessor is not right',
  unknown: 'digest is right; the predecessor was not read',
}

function Certified({ chain, partition }: { readonly chain: ChainAnswer; readonly partition: number }): JSX.Element {
  const { certificate, previous, next, amendedBy } = chain
  return (
    <>
      {chain.chain === 'broken' && (
        <Notice kind="stop" title="The chain of certificates is broken">
          <span>A certificate was removed, added or changed. Run windrow verify.</span>
        </Notice>
      )}
      <Facts
        items={[
          ['Sequence', formatCount(certificate.sequence)],
          ['Chain', CHAIN_TEXTS[chain.chain]],
          ['Offsets', `${formatCount(certificate.offsets.first)} to ${formatCount(certificate.offsets.last)}`],
          ['Points', `${formatCount(certificate.points.count)}, digest ${certificate.points.digest}`],
          ['Results', formatCount(certificate.results.count)],
          ['Digest', <code key="digest">{certificate.digest}</code>],
          ['Previous', <Link key="previous" link={previous} partition={partition} none="not read, or none" />],
          ['Next', <Link key="next" link={next} partition={partition} none="none yet" />],
          ...(amendedBy.length === 0
            ? []
            : [['Amended by', amendedBy.map(({ sequence }) => formatCount(sequence)).join(', ')] as const]),
        ]}
      />
    </>
  )
}

function Link(props: {
  readonly link: ChainLink | null
  readonly partition: number
  readonly none: string
}): JSX.Element {
  const { link, partition, none } = props
  if (link === null) return <span class="quiet">{none}</span>
  const text = `certificate ${formatCount(link.sequence)}`
  if (link.window === null) return <span>{text}, amendments only</span>
  return (
    <a href={hashOf({ view: 'window', partition, start: link.window.start })}>
      {text}, {windowText(link.window.start, link.window.end)}
    </a>
  )
}

function Workflows({ workflows: { items, note } }: { readonly workflows: WindowAnswer['workflows'] }): JSX.Element {
  if (items.length === 0)
    return <Empty title="No instance">{note ?? 'Instances exist from the start of a close.'}</Empty>
  return (
    <>
      <Table
        caption="Workflow instances"
        head={['Instance', 'Workflow', 'State', 'Started (UTC)', 'Duration', 'Retries', 'Failure']}
        numbers={[4, 5]}
        isTall
      >
        {items.map((one) => (
          <tr key={one.id}>
            <th scope="row" class="mono nowrap">
              {one.id}
            </th>
            <td class="nowrap">{one.name}</td>
            <td>{one.state}</td>
            <td class="nowrap">{formatTime(Math.floor(one.startedAtMs / 1000) * 1000)}</td>
            <td class="num">{formatDuration(one.durationMs)}</td>
            <td class="num">{formatCount(one.retries)}</td>
            <td class="wide">{one.failure ?? <span class="quiet">none</span>}</td>
          </tr>
        ))}
      </Table>
      {note !== null && <p class="note">{note}</p>}
    </>
  )
}
