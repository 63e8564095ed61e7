/**
 * The workflow engine: instances, their turns, and the actions that a turn requests. It keeps everything in memory; after
 * a restart the application starts its workflows again from its ledger. It behaves like daprd 1.18.2, according to the
 * source of durabletask-go:
 * - H1 One turn of an instance runs at a time. Events that arrive meanwhile wait in its inbox.
 * - H2 A task, child or timer is resolved once. Later results for it are dropped.
 * - H3 An id can be started again once its instance and the children of that instance have ended.
 * - H4 Waiting for an absent id waits until an instance of that id exists.
 */
import * as history from './history.ts'
import { InstanceStatus } from './history.ts'
import type { HistoryEvent, Parent, WorkflowStart } from './history.ts'
import { GrpcError, GrpcStatus } from './grpc.ts'
import type { Call } from './grpc.ts'
import { setLongTimeout } from './long-timeout.ts'
import type { LongTimeout } from './long-timeout.ts'
import { Watchers } from './watchers.ts'
import type { WorkQueue } from './work-queue.ts'

/** An action that a worker's reply to a turn requests. Encoded messages are views of the request. */
export type Action =
  | { readonly kind: 'task'; readonly id: number; readonly start: WorkflowStart }
  | { readonly kind: 'child'; readonly id: number; readonly instanceId: string; readonly start: WorkflowStart }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: Buffer; readonly fireAtMs: number }
  | {
      readonly kind: 'complete'
      readonly id: number
      readonly status: number
      readonly result: Buffer | undefined
      readonly failure: Buffer | undefined
      readonly carryover: readonly Buffer[]
    }

/** The part of an instance that clients can see. */
export interface InstanceView {
  readonly id: string
  readonly name: string
  readonly version: Buffer | undefined
  readonly status: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly input: Buffer | undefined
  readonly output: Buffer | undefined
  readonly customStatus: Buffer | undefined
  readonly failure: Buffer | undefined
}

export interface Retention {
  /** Finished instances kept at most. @default 5000 */
  readonly maxFinished: number
  /** How long a finished instance is kept at most. @default 3600000 */
  readonly maxAgeMs: number
}

interface Instance extends InstanceView {
  status: number
  updatedAtMs: number
  output: Buffer | undefined
  customStatus: Buffer | undefined
  failure: Buffer | undefined
  readonly parent: Parent | null
  past: HistoryEvent[]
  inbox: HistoryEvent[]
  /** The events of the turn that a worker has; `null` between turns. */
  turn: HistoryEvent[] | null
  /** Ids of the tasks, children and timers that have not been resolved. */
  readonly open: Set<number>
  readonly timers: Map<number, LongTimeout>
  readonly children: Set<string>
  lastActionId: number
  suspended: boolean
}

export class TaskHub {
  readonly #queue: WorkQueue
  readonly #retention: Retention
  readonly #instances = new Map<string, Instance>()
  /** Finished instances, oldest first, with the time at which they finished. */
  readonly #finished = new Map<string, number>()
  readonly #watchers = new Watchers<InstanceView>()
  /** Activities without a result yet, by instance. While there are any, the id cannot be started again (H3). */
  readonly #awaited = new Map<string, Set<number>>()
  /** Instances with events in their inbox. They are collected so that results that arrive together make one turn. */
  readonly #ready = new Set<Instance>()
  readonly #sweeper: NodeJS.Timeout

  constructor(queue: WorkQueue, retention: Retention) {
    this.#queue = queue
    this.#retention = retention
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(retention.maxAgeMs / 10, 60_000)).unref()
  }

  /** Creates the instance, or runs a finished one again. Throws ALREADY_EXISTS for an active one. */
  start(id: string, start: WorkflowStart, startAtMs: number | null): void {
    const refusal = this.#create(id, start, null)
    if (refusal !== null) {
      const detail = refusal.status === GrpcStatus.ALREADY_EXISTS ? 'rpc error: code = AlreadyExists desc = ' : ''
      throw new GrpcError(refusal.status, `failed to create workflow instance: ${detail}${refusal.message}`)
    }
    const instance = this.#instances.get(id) as Instance
    const waitMs = startAtMs === null ? 0 : startAtMs - Date.now()
    if (waitMs <= 0) this.#runTurn(instance)
    // No action has the id 0.
    else
      instance.timers.set(
        0,
        setLongTimeout(() => this.#runTurn(instance), waitMs),
      )
  }

  get(id: string): InstanceView | undefined {
    return this.#instances.get(id)
  }

  /** Resolves when an instance `id` exists and meets the condition. Never settles if the caller disconnects first. */
  watch(id: string, call: Call, condition: (instance: InstanceView) => boolean): Promise<InstanceView> {
    const instance = this.#instances.get(id)
    if (instance !== undefined && condition(instance)) return Promise.resolve(instance)
    return this.#watchers.wait(id, call, condition)
  }

  raiseEvent(id: string, name: string, input: Buffer | undefined): void {
    this.#deliver(this.#existing(id), history.eventRaised(Date.now(), name, input))
  }

  terminate(id: string, output: Buffer | undefined): void {
    this.#deliver(this.#existing(id), history.executionTerminated(Date.now(), output))
  }

  suspend(id: string, reason: Buffer | undefined): void {
    this.#deliver(this.#existing(id), history.executionSuspended(Date.now(), reason))
  }

  resume(id: string, reason: Buffer | undefined): void {
    this.#deliver(this.#existing(id), history.executionResumed(Date.now(), reason))
  }

  /** Deletes a finished instance. */
  purge(id: string): void {
    const instance = this.#existing(id)
    if (!isEnded(instance)) throw new GrpcError(GrpcStatus.UNKNOWN, 'orchestration has not yet completed')
    this.#forget(id)
  }

  /** Unexpected replies are ignored silently, as daprd does. */
  completeActivity(id: string, taskId: number, result: Buffer | undefined, failure: Buffer | undefined): void {
    const key = activityKey(id, taskId)
    if (this.#queue.isSurplusReply(key) || !this.#queue.remove(key)) return
    const awaited = this.#awaited.get(id)
    awaited?.delete(taskId)
    if (awaited?.size === 0) this.#awaited.delete(id)
    const instance = this.#instances.get(id)
    if (instance === undefined) return
    const now = Date.now()
    const event = failure ? history.taskFailed(now, taskId, failure) : history.taskCompleted(now, taskId, result)
    this.#resolve(instance, taskId, event)
  }

  /**
   * A reply names its instance but not its turn. A reply to an earlier turn (one that was delivered twice, or again after
   * its worker was lost) is recognized because it is one more than expected, or because it repeats an action id.
   */
  completeTurn(id: string, actions: readonly Action[], customStatus: Buffer | undefined): void {
    const key = workflowKey(id)
    if (this.#queue.isSurplusReply(key)) return
    const instance = this.#instances.get(id)
    if (instance === undefined || instance.turn === null) return
    if (actions.some((action) => action.id > 0 && action.id <= instance.lastActionId)) return
    this.#queue.remove(key)
    this.#apply(instance, actions, customStatus)
  }

  close(): void {
    clearInterval(this.#sweeper)
    for (const instance of this.#instances.values()) clearTimers(instance)
    this.#queue.close()
  }

  #existing(id: string): Instance {
    const instance = this.#instances.get(id)
    if (instance === undefined) throw new GrpcError(GrpcStatus.UNKNOWN, 'no such instance exists')
    return instance
  }

  #create(id: string, start: WorkflowStart, parent: Parent | null): { status: GrpcStatus; message: string } | null {
    const refusal = this.#refusalToCreate(id)
    if (refusal !== null) return refusal
    this.#finished.delete(id)
    const now = Date.now()
    const kept = { name: start.name, version: copy(start.version), input: copy(start.input) }
    this.#instances.set(id, {
      id,
      ...kept,
      parent,
      status: InstanceStatus.PENDING,
      createdAtMs: now,
      updatedAtMs: now,
      output: undefined,
      customStatus: undefined,
      failure: undefined,
      past: [],
      inbox: [history.executionStarted(now, id, kept, parent)],
      turn: null,
      open: new Set(),
      timers: new Map(),
      children: new Set(),
      lastActionId: 0,
      suspended: false,
    })
    return null
  }

  #refusalToCreate(id: string): { status: GrpcStatus; message: string } | null {
    const previous = this.#instances.get(id)
    if (previous !== undefined && !isEnded(previous)) {
      return { status: GrpcStatus.ALREADY_EXISTS, message: `an active workflow with ID '${id}' already exists` }
    }
    if (previous !== undefined && this.#awaited.has(id)) {
      const message = `a terminated workflow with ID '${id}' is already awaiting an activity result`
      return { status: GrpcStatus.UNKNOWN, message }
    }
    for (const child of previous?.children ?? []) {
      const instance = this.#instances.get(child)
      if (instance === undefined || isEnded(instance)) continue
      const message = `cannot recreate workflow with ID '${id}': child workflow '${child}': orchestration has not yet completed`
      return { status: GrpcStatus.ALREADY_EXISTS, message }
    }
    return null
  }

  /** Sends the inbox to a worker, unless a turn is running already (H1). */
  #runTurn(instance: Instance): void {
    if (instance.turn !== null || isEnded(instance) || instance.inbox.length === 0) return
    instance.turn = [history.turnStarted(Date.now()), ...instance.inbox]
    instance.inbox = []
    this.#sendTurn(instance)
  }

  #sendTurn(instance: Instance): void {
    const message = history.workflowItem(instance.id, instance.past, instance.turn ?? [])
    this.#queue.add({ kind: 'workflow', key: workflowKey(instance.id), message })
  }

  #deliver(instance: Instance, event: HistoryEvent): void {
    if (isEnded(instance)) return
    instance.inbox.push(event)
    if (this.#ready.size === 0) setImmediate(() => this.#runReady())
    this.#ready.add(instance)
  }

  #runReady(): void {
    const ready = [...this.#ready]
    this.#ready.clear()
    for (const instance of ready) if (this.#instances.get(instance.id) === instance) this.#runTurn(instance)
  }

  /** Delivers the result of a task, child or timer, once (H2). */
  #resolve(instance: Instance, taskId: number, event: HistoryEvent): void {
    if (instance.open.delete(taskId)) this.#deliver(instance, event)
  }

  #apply(instance: Instance, actions: readonly Action[], customStatus: Buffer | undefined): void {
    const now = Date.now()
    for (const event of instance.turn ?? []) {
      instance.past.push(event)
      if (event.effect !== 'none') instance.suspended = event.effect === 'suspend'
    }
    instance.turn = null
    instance.updatedAtMs = now
    // The SDK sends an empty message if no custom status was set.
    instance.customStatus = customStatus?.length === 0 ? undefined : copy(customStatus)
    instance.status = instance.suspended ? InstanceStatus.SUSPENDED : InstanceStatus.RUNNING
    for (const action of actions) {
      instance.lastActionId = Math.max(instance.lastActionId, action.id)
      if (action.kind === 'task') this.#scheduleTask(instance, action.id, action.start, now)
      else if (action.kind === 'child') this.#startChild(instance, action.id, action.instanceId, action.start, now)
      else if (action.kind === 'timer') this.#setTimer(instance, action.id, action.fireAt, action.fireAtMs, now)
      else if (action.status === InstanceStatus.CONTINUED_AS_NEW) return this.#continueAsNew(instance, action, now)
      else this.#end(instance, action, now)
    }
    this.#watchers.notify(instance.id, instance)
    this.#runTurn(instance)
  }

  #scheduleTask(instance: Instance, taskId: number, start: WorkflowStart, now: number): void {
    instance.past.push(history.taskScheduled(now, taskId, start))
    instance.open.add(taskId)
    let awaited = this.#awaited.get(instance.id)
    if (awaited === undefined) this.#awaited.set(instance.id, (awaited = new Set()))
    awaited.add(taskId)
    const message = history.activityItem(instance.id, taskId, start)
    this.#queue.add({ kind: 'activity', key: activityKey(instance.id, taskId), message })
  }

  #startChild(instance: Instance, taskId: number, childId: string, start: WorkflowStart, now: number): void {
    instance.past.push(history.childCreated(now, taskId, childId, start))
    instance.open.add(taskId)
    const refusal = this.#create(childId, start, { instanceId: instance.id, name: instance.name, taskId })
    if (refusal === null) {
      instance.children.add(childId)
      this.#runTurn(this.#instances.get(childId) as Instance)
      return
    }
    const failure = history.failureDetails('WorkflowInstanceAlreadyExists', refusal.message)
    this.#resolve(instance, taskId, history.childFailed(now, taskId, failure))
  }

  #setTimer(instance: Instance, taskId: number, fireAt: Buffer, fireAtMs: number, now: number): void {
    const kept = Buffer.from(fireAt)
    instance.past.push(history.timerCreated(now, taskId, kept))
    instance.open.add(taskId)
    const fire = () => {
      instance.timers.delete(taskId)
      this.#resolve(instance, taskId, history.timerFired(Date.now(), taskId, kept))
    }
    instance.timers.set(taskId, setLongTimeout(fire, fireAtMs - now))
  }

  /** Restarts the instance with a new input and the events that it had not consumed. */
  #continueAsNew(instance: Instance, action: Action & { kind: 'complete' }, now: number): void {
    clearTimers(instance)
    instance.open.clear()
    instance.lastActionId = 0
    instance.past = []
    const start = { name: instance.name, version: instance.version, input: copy(action.result) }
    instance.turn = [
      history.turnStarted(now),
      history.executionStarted(now, instance.id, start, instance.parent),
      ...action.carryover.map((bytes) => ({ effect: 'none' as const, bytes: Buffer.from(bytes) })),
    ]
    Object.assign(instance, { input: start.input })
    this.#watchers.notify(instance.id, instance)
    this.#sendTurn(instance)
  }

  #end(instance: Instance, action: Action & { kind: 'complete' }, now: number): void {
    instance.status = action.status
    instance.output = copy(action.result)
    instance.failure = copy(action.failure)
    clearTimers(instance)
    instance.past = []
    instance.inbox = []
    instance.open.clear()
    this.#finished.set(instance.id, now)
    this.#sweep()
    if (instance.parent === null) return
    const parent = this.#instances.get(instance.parent.instanceId)
    if (parent === undefined) return
    const { taskId } = instance.parent
    const completed = action.status === InstanceStatus.COMPLETED
    const event = completed
      ? history.childCompleted(now, taskId, action.result)
      : history.childFailed(now, taskId, action.failure)
    this.#resolve(parent, taskId, event)
  }

  #sweep(): void {
    const oldestKept = Date.now() - this.#retention.maxAgeMs
    for (const [id, finishedAt] of this.#finished) {
      if (this.#finished.size <= this.#retention.maxFinished && finishedAt >= oldestKept) return
      this.#forget(id)
    }
  }

  #forget(id: string): void {
    this.#finished.delete(id)
    this.#instances.delete(id)
  }
}

/** Whether the instance has reached a final status. Only a new start changes it. */
export function isEnded(instance: InstanceView): boolean {
  const { status } = instance
  return status === InstanceStatus.COMPLETED || status === InstanceStatus.FAILED || status === InstanceStatus.TERMINATED
}

function clearTimers(instance: Instance): void {
  for (const timer of instance.timers.values()) timer.clear()
  instance.timers.clear()
}

function workflowKey(id: string): string {
  return `w/${id}`
}

function activityKey(id: string, taskId: number): string {
  return `a/${taskId}/${id}`
}

/** Copies data that outlives its request. A view would keep the whole read buffer of the connection alive. */
function copy(view: Buffer | undefined): Buffer | undefined {
  return view === undefined ? undefined : Buffer.from(view)
}
