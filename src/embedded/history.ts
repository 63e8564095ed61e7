/**
 * Encodes the history events and work items of the durabletask protocol (orchestrator_service.proto). Every turn resends
 * the whole history, so events are encoded once, when they happen, and stored as bytes.
 */
import { ProtoWriter, stringValue, timestamp, transient } from '../adapters/bytes/protobuf.ts'

/** `OrchestrationStatus`. */
export const InstanceStatus = {
  RUNNING: 0,
  COMPLETED: 1,
  CONTINUED_AS_NEW: 2,
  FAILED: 3,
  TERMINATED: 5,
  PENDING: 6,
  SUSPENDED: 7,
} as const

/** An encoded `HistoryEvent`, with its effect on the status of the instance. */
export interface HistoryEvent {
  readonly effect: 'none' | 'suspend' | 'resume'
  readonly bytes: Buffer
}

/** Messages of the protocol that are passed on unchanged. */
type Encoded = Buffer | undefined

export interface Parent {
  readonly instanceId: string
  readonly name: string
  readonly taskId: number
}

export interface WorkflowStart {
  readonly name: string
  readonly version: Encoded
  readonly input: Encoded
}

const EMPTY = Buffer.alloc(0)
/** The event id of events that no action of the workflow requested. */
const UNREQUESTED = -1

export function turnStarted(nowMs: number): HistoryEvent {
  return event(UNREQUESTED, nowMs, 14, EMPTY)
}

export function executionStarted(
  nowMs: number,
  instanceId: string,
  start: WorkflowStart,
  parent: Parent | null,
): HistoryEvent {
  const body = new ProtoWriter((start.input?.length ?? 0) + 256)
    .string(1, start.name)
    .message(2, start.version)
    .message(3, start.input)
    .message(4, instanceRef(instanceId))
  if (parent !== null) {
    const parentInfo = new ProtoWriter()
      .int32(1, parent.taskId)
      .message(2, stringValue(parent.name))
      .message(4, instanceRef(parent.instanceId))
    body.message(5, parentInfo.finish())
  }
  return event(UNREQUESTED, nowMs, 3, body.finish())
}

export function executionTerminated(nowMs: number, output: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 5, new ProtoWriter().message(1, output).finish())
}

export function executionSuspended(nowMs: number, reason: Encoded): HistoryEvent {
  return { ...event(UNREQUESTED, nowMs, 21, new ProtoWriter().message(1, reason).finish()), effect: 'suspend' }
}

export function executionResumed(nowMs: number, reason: Encoded): HistoryEvent {
  return { ...event(UNREQUESTED, nowMs, 22, new ProtoWriter().message(1, reason).finish()), effect: 'resume' }
}

export function eventRaised(nowMs: number, name: string, input: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 17, new ProtoWriter().string(1, name).message(2, input).finish())
}

export function taskScheduled(nowMs: number, taskId: number, start: WorkflowStart): HistoryEvent {
  const body = new ProtoWriter().string(1, start.name).message(2, start.version).message(3, start.input)
  return event(taskId, nowMs, 6, body.finish())
}

export function taskCompleted(nowMs: number, taskId: number, result: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 7, outcome(taskId, result))
}

export function taskFailed(nowMs: number, taskId: number, failure: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 8, outcome(taskId, failure))
}

export function childCreated(nowMs: number, taskId: number, instanceId: string, start: WorkflowStart): HistoryEvent {
  const body = new ProtoWriter()
    .string(1, instanceId)
    .string(2, start.name)
    .message(3, start.version)
    .message(4, start.input)
  return event(taskId, nowMs, 9, body.finish())
}

export function childCompleted(nowMs: number, taskId: number, result: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 10, outcome(taskId, result))
}

export function childFailed(nowMs: number, taskId: number, failure: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 11, outcome(taskId, failure))
}

export function timerCreated(nowMs: number, taskId: number, fireAt: Encoded): HistoryEvent {
  return event(taskId, nowMs, 12, new ProtoWriter().message(1, fireAt).finish())
}

export function timerFired(nowMs: number, taskId: number, fireAt: Encoded): HistoryEvent {
  return event(UNREQUESTED, nowMs, 13, new ProtoWriter().message(1, fireAt).int32(2, taskId).finish())
}

/** `TaskFailureDetails`. */
export function failureDetails(type: string, message: string): Buffer {
  return new ProtoWriter().string(1, type).string(2, message).finish()
}

/** The work item of a turn: everything that happened, then what is new. */
export function workflowItem(
  instanceId: string,
  past: readonly HistoryEvent[],
  fresh: readonly HistoryEvent[],
): Buffer {
  let size = 64 + instanceId.length * 3
  for (const e of past) size += e.bytes.length + 16
  for (const e of fresh) size += e.bytes.length + 16
  const item = new ProtoWriter(size, transient)
  const request = item.open(1)
  item.string(1, instanceId)
  for (const e of past) item.message(3, e.bytes)
  for (const e of fresh) item.message(4, e.bytes)
  return item.close(request).finish()
}

export function activityItem(instanceId: string, taskId: number, start: WorkflowStart): Buffer {
  const item = new ProtoWriter((start.input?.length ?? 0) + instanceId.length * 3 + 256, transient)
  const request = item.open(2)
  item
    .string(1, start.name)
    .message(2, start.version)
    .message(3, start.input)
    .message(4, instanceRef(instanceId))
    .int32(5, taskId)
  return item.close(request).finish()
}

/** A task, child or timer that ended: its number in field 1, then its result or failure. */
function outcome(taskId: number, details: Encoded): Buffer {
  return new ProtoWriter((details?.length ?? 0) + 32).int32(1, taskId).message(2, details).finish()
}

function instanceRef(instanceId: string): Buffer {
  return new ProtoWriter().string(1, instanceId).finish()
}

function event(eventId: number, nowMs: number, bodyField: number, body: Buffer): HistoryEvent {
  const bytes = new ProtoWriter(body.length + 48)
    .int32(1, eventId)
    .message(2, timestamp(nowMs))
    .message(bodyField, body)
    .finish()
  return { effect: 'none', bytes }
}
