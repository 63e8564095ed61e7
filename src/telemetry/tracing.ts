/**
 * Traces: one per partition window, from the batch that contained its first point until its results are published.
 *
 *   window                     first point → published
 *   ├─ commit                  cut → ledger committed; its context is passed in the workflow's input
 *   │  ├─ aggregate            the activity, in the process that runs it
 *   │  │  └─ vm-window         a sample of its VM windows, the same in every attempt; its child is the turn that runs it
 *   │  └─ commit activity
 *   └─ publish
 *
 * One commit may close several windows. Each of them has its commit and publish spans, with the same number of the commit;
 * the activities are under the last one.
 *
 * Spans are created from pipeline events, with explicit parents. Nothing depends on an ambient context, and workflow code
 * contains no tracing. If a process crashes, its open spans are lost; the next owner starts a new trace.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span, type Tracer } from '@opentelemetry/api'
import type { EpochMs } from '../core/point.ts'
import { messageOf } from '../errors/index.ts'
import { instancePartsOf } from '../ledger/attempt-id.ts'
import type { PipelineEvent } from '../ports/events.ts'
import type { RunVmWindows } from '../workflows/activities/run-tasks.ts'
import { AGGREGATE, AGGREGATE_V2, VM_WINDOW } from '../workflows/names.ts'
import type { CommitPlan } from '../workflows/plan.ts'
import type { WorkflowFunction } from '../adapters/dapr/worker-session.ts'
import { mapActivities, planOf, type Activities } from './observed.ts'

export interface TracingOptions {
  readonly tracer: Tracer
  /** Parses a W3C `traceparent`; undefined if it is invalid. */
  readonly contextOf: (traceparent: string) => Context | undefined
  /** Share of the VM windows of a traced window that get spans, 0 to 1. */
  readonly vmWindowShare: number
}

type Workflows = Record<string, WorkflowFunction>

/** Finds the trace context in the JSON of an order. The id of a VM cannot match, since quotes in it are escaped. */
const TRACEPARENT = /"traceparent":"([0-9a-f-]{55})"/

interface WindowTrace {
  readonly root: Span
  commit: Span | null
  publish: Span | null
}

export class Tracing {
  readonly #tracer: Tracer
  readonly #contextOf: TracingOptions['contextOf']
  readonly #vmWindowShare: number
  /** By partition, then by start of the window. */
  readonly #traces = new Map<number, Map<EpochMs, WindowTrace>>()

  constructor({ tracer, contextOf, vmWindowShare }: TracingOptions) {
    this.#tracer = tracer
    this.#contextOf = contextOf
    this.#vmWindowShare = vmWindowShare
  }

  observe(event: PipelineEvent): void {
    const { partition, kind, window } = event
    if (kind === 'ended' || kind === 'failed') return this.#abandon(partition, event)
    if (window === null) return
    if (kind === 'opened') this.#open(partition, window)
    if (kind === 'published') {
      // The results of windows that one commit closed are published together.
      for (const one of [...(event.earlier ?? []), window]) this.#published(partition, one, event.results)
      return
    }
    const own = this.#traces.get(partition)?.get(window)
    if (own === undefined) return
    switch (kind) {
      case 'cut':
        own.commit = this.#child(own.root, 'commit', { 'windrow.trigger': event.trigger ?? '' })
        own.root.setAttribute('windrow.vm_windows', event.vmWindows)
        return
      case 'committed':
        own.commit?.setAttribute('windrow.commit', event.commit)
        own.commit?.end()
        own.root.setAttribute('windrow.reason', event.reason ?? '')
        own.publish = this.#child(own.root, 'publish')
        return
      case 'retry': {
        const { step, reason, pauseMs } = event
        const span = own.publish ?? own.commit ?? own.root
        span.addEvent('retry', { 'windrow.step': step, 'windrow.cause': reason, 'windrow.pause_ms': pauseMs })
        return
      }
      default:
        return
    }
  }

  #published(partition: number, window: EpochMs, results: number): void {
    const own = this.#traces.get(partition)?.get(window)
    own?.publish?.setAttribute('windrow.results', results)
    own?.publish?.end()
    own?.root.end()
    this.#traces.get(partition)?.delete(window)
  }

  /** W3C `traceparent` of the window's commit, to pass to its workflow; undefined if the commit is not traced. */
  traceparentOf(partition: number, window: EpochMs): string | undefined {
    const commit = this.#traces.get(partition)?.get(window)?.commit
    return commit?.isRecording() === true ? traceparent(commit) : undefined
  }

  /** Trace id of the window; undefined if the window is not traced. */
  traceIdOf(partition: number, window: EpochMs): string | undefined {
    const root = this.#traces.get(partition)?.get(window)?.root
    return root?.isRecording() === true ? root.spanContext().traceId : undefined
  }

  activities(activities: Activities): Activities {
    return mapActivities(activities, (name, activity) => (context, input) => {
      const { traceparent: parent, owner } = planOf(name, input)
      return this.#within(
        parent,
        `${name} activity`,
        SpanKind.CONSUMER,
        { 'windrow.partition': owner.partition },
        // The input of `aggregate` is the plan. Replace its context so that VM windows become children of this span.
        (own) => {
          const isParent = (name === AGGREGATE || name === AGGREGATE_V2) && own !== undefined
          return activity(
            context,
            isParent ? { ...(input as CommitPlan), traceparent: own } : input,
          ) as Promise<unknown>
        },
      )
    })
  }

  /** Creates spans for a sample of the VM windows. The others run without a context, so that no spans are created downstream. */
  vmWindows(run: RunVmWindows): RunVmWindows {
    return (id, order) => {
      const { traceparent: parent, ...bare } = order
      const { index } = instancePartsOf(id)
      if (parent === undefined || !isChosen(index, this.#vmWindowShare)) return run(id, bare)
      const attributes = { 'windrow.instance': id, 'windrow.vm_windows': order.tasks.length }
      return this.#within(parent, 'vm-window', SpanKind.PRODUCER, attributes, (own) =>
        run(id, own === undefined ? bare : { ...bare, traceparent: own }),
      )
    }
  }

  /** Creates a span for the turn of each VM window whose order contains a context, in the process that runs it. */
  workflows(workflows: Workflows): Workflows {
    const inner = workflows[VM_WINDOW]
    if (inner === undefined) return workflows
    const within = <T>(parent: string, id: string, turn: () => Promise<T>): Promise<T> =>
      this.#within(parent, 'vm-window turn', SpanKind.CONSUMER, { 'windrow.instance': id }, turn)
    const traced: WorkflowFunction = async function* (context, order: string) {
      const generator = inner(context, order) as AsyncGenerator<unknown, unknown>
      const parent = TRACEPARENT.exec(order)?.[1]
      if (parent === undefined) return yield* generator
      // A VM window ends in its first turn, so this turn is the whole workflow.
      const turn = () => generator.next()
      const step = await within(parent, context.getWorkflowInstanceId(), turn)
      return step.done === true ? step.value : yield* generator
    }
    return { ...workflows, [VM_WINDOW]: traced }
  }

  async #within<T>(
    parent: string | undefined,
    name: string,
    kind: SpanKind,
    attributes: Readonly<Record<string, string | number>>,
    act: (own: string | undefined) => Promise<T>,
  ): Promise<T> {
    const context = parent === undefined ? undefined : this.#contextOf(parent)
    if (context === undefined) return act(undefined)
    const span = this.#tracer.startSpan(name, { kind, attributes }, context)
    try {
      return await act(traceparent(span))
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) })
      throw error
    } finally {
      span.end()
    }
  }

  #open(partition: number, window: EpochMs): void {
    const own = this.#traces.get(partition) ?? new Map<EpochMs, WindowTrace>()
    this.#traces.set(partition, own)
    if (own.has(window)) return
    const attributes = { 'windrow.partition': partition, 'windrow.window.start': new Date(window).toISOString() }
    const root = this.#tracer.startSpan('window', { root: true, attributes }, ROOT_CONTEXT)
    own.set(window, { root, commit: null, publish: null })
  }

  #child(parent: Span, name: string, attributes = {}): Span {
    return this.#tracer.startSpan(name, { attributes }, trace.setSpan(ROOT_CONTEXT, parent))
  }

  /** Ends all open spans of a partition that this process has released. Its next owner starts new traces. */
  #abandon(partition: number, event: PipelineEvent): void {
    for (const { root, commit, publish } of this.#traces.get(partition)?.values() ?? []) {
      for (const span of [publish, commit, root]) {
        if (span?.isRecording() !== true) continue
        if (event.kind === 'failed') span.setStatus({ code: SpanStatusCode.ERROR, message: event.code })
        else span.setAttribute('windrow.abandoned', true)
        span.end()
      }
    }
    this.#traces.delete(partition)
  }
}

function traceparent(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** Whether a VM window is in the sample. The sample is spread evenly, and is the same in every attempt. */
export function isChosen(index: number, share: number): boolean {
  return Math.floor(index * share) > Math.floor((index - 1) * share)
}
