/**
 * The workflow calls to the sidecar, one promise per call. They use the channel of the SDK's `DaprWorkflowClient` but not
 * its methods, for three reasons in its source (3.18.0):
 *
 * 1. `waitForWorkflowCompletion` stops waiting by a timer of its own and leaves the call open in the sidecar, so every poll
 *    of a long workflow would leak a call. A gRPC deadline ends both sides.
 * 2. It writes several console lines per instance and accepts no logger.
 * 3. It drops the reason of a failure without a message, so the cause of the failure is lost.
 */
import pb from '@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_pb.js'
import type { TaskHubSidecarServiceClient } from '@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_grpc_pb.js'
import { Metadata, status as GrpcStatus } from '@grpc/grpc-js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import wrappers from 'google-protobuf/google/protobuf/wrappers_pb.js'
import { messageOf } from '../../errors/index.ts'
import type { WorkflowStatus } from '../../ports/index.ts'
import { createCaller } from './calls.ts'
import { grpcStatusOf, sidecarError } from './grpc-errors.ts'

/**
 * Inputs and outputs are texts and arrive unchanged. On the wire they are JSON strings, because the SDK's worker parses
 * every payload. All errors are WindrowErrors.
 */
export interface TaskHubClient {
  /** Resolves when the sidecar answers. */
  hello(timeoutMs: number): Promise<void>
  /** Starts an instance. A running one with this id is left unchanged; one that has ended is run again from the start. */
  start(workflowName: string, id: string, input: string): Promise<'started' | 'active'>
  status(id: string): Promise<WorkflowStatus>
  /** What the sidecar knows of an instance, without its input and output; `null`: nothing. */
  describe(id: string): Promise<InstanceFacts | null>
  /** Waits for the end of the instance, at most `timeoutMs`. Returns `running` if it has not ended by then. */
  waitForEnd(id: string, timeoutMs: number): Promise<WorkflowStatus>
  /** Requests the end of a running instance. It ends when its worker has processed the request. */
  terminate(id: string): Promise<void>
  /** Deletes an ended instance. Returns false if the id is unknown. */
  purge(id: string): Promise<boolean>
}

/** An instance as an observer sees it. */
export interface InstanceFacts {
  readonly id: string
  readonly name: string
  readonly state: 'pending' | 'running' | 'completed' | 'failed' | 'terminated' | 'suspended'
  readonly createdAtMs: number
  /** Of an ended instance: when it ended. */
  readonly updatedAtMs: number
  readonly failure: string | null
}

/** After this time a call is treated as lost, except waiting. The sidecar answers within milliseconds. */
const CALL_TIMEOUT_MS = 30_000
const NO_METADATA = new Metadata()

export function createTaskHubClient(stub: TaskHubSidecarServiceClient, closed: AbortSignal): TaskHubClient {
  const ask = createCaller(closed)

  async function status(id: string): Promise<WorkflowStatus> {
    try {
      return statusOf(
        await ask(CALL_TIMEOUT_MS, (options, done) =>
          stub.getInstance(instanceRequest(id), NO_METADATA, options, done),
        ),
      )
    } catch (error) {
      return absentOr(error, `looking for workflow ${id}`)
    }
  }

  return {
    status,
    async describe(id) {
      const request = instanceRequest(id)
      request.setGetinputsandoutputs(false)
      try {
        return factsOf(
          await ask(CALL_TIMEOUT_MS, (options, done) => stub.getInstance(request, NO_METADATA, options, done)),
        )
      } catch (error) {
        if (isNoSuchInstance(error)) return null
        throw sidecarError(error, 'WORKFLOW_ENGINE', `reading workflow ${id}`)
      }
    },
    async hello(timeoutMs) {
      try {
        await ask(timeoutMs, (options, done) => stub.hello(new empty.Empty(), NO_METADATA, options, done))
      } catch (error) {
        throw sidecarError(error, 'WORKFLOW_ENGINE', 'greeting the sidecar')
      }
    },
    async start(workflowName, id, input) {
      const request = new pb.CreateInstanceRequest()
      request.setInstanceid(id)
      request.setName(workflowName)
      request.setInput(stringValue(JSON.stringify(input)))
      try {
        await ask(CALL_TIMEOUT_MS, (options, done) => stub.startInstance(request, NO_METADATA, options, done))
        return 'started'
      } catch (error) {
        if (isActiveAlready(error)) return 'active'
        throw sidecarError(error, 'WORKFLOW_ENGINE', `starting workflow ${id}`)
      }
    },
    async waitForEnd(id, timeoutMs) {
      try {
        return statusOf(
          await ask(timeoutMs, (options, done) =>
            stub.waitForInstanceCompletion(instanceRequest(id), NO_METADATA, options, done),
          ),
        )
      } catch (error) {
        // The deadline says nothing about the instance, which may be gone, so ask for its status. daprd knows the
        // deadline too and may end the call first, with CANCELLED.
        const code = grpcStatusOf(error)
        const isOver = code === GrpcStatus.DEADLINE_EXCEEDED || code === GrpcStatus.CANCELLED
        if (isOver && !closed.aborted) return status(id)
        return absentOr(error, `waiting for workflow ${id}`)
      }
    },
    async terminate(id) {
      const request = new pb.TerminateRequest()
      request.setInstanceid(id)
      request.setOutput(stringValue('"abandoned"'))
      try {
        await ask(CALL_TIMEOUT_MS, (options, done) => stub.terminateInstance(request, NO_METADATA, options, done))
      } catch (error) {
        if (!isNoSuchInstance(error)) throw sidecarError(error, 'WORKFLOW_ENGINE', `terminating workflow ${id}`)
      }
    },
    async purge(id) {
      const request = new pb.PurgeInstancesRequest()
      request.setInstanceid(id)
      try {
        const response = await ask<pb.PurgeInstancesResponse>(CALL_TIMEOUT_MS, (options, done) =>
          stub.purgeInstances(request, NO_METADATA, options, done),
        )
        return response.getDeletedinstancecount() > 0
      } catch (error) {
        if (isNoSuchInstance(error)) return false
        throw sidecarError(error, 'WORKFLOW_ENGINE', `purging workflow ${id}`)
      }
    },
  }
}

function instanceRequest(id: string) {
  const request = new pb.GetInstanceRequest()
  request.setInstanceid(id)
  request.setGetinputsandoutputs(true)
  return request
}

function stringValue(text: string) {
  const value = new wrappers.StringValue()
  value.setValue(text)
  return value
}

function factsOf(response: pb.GetInstanceResponse): InstanceFacts | null {
  const state = response.getExists() ? response.getOrchestrationstate() : undefined
  if (state === undefined) return null
  const failure = state.getFailuredetails()
  return {
    id: state.getInstanceid(),
    name: state.getName(),
    state: STATES[state.getOrchestrationstatus()] ?? 'running',
    createdAtMs: state.getCreatedtimestamp()?.toDate().getTime() ?? 0,
    updatedAtMs: state.getLastupdatedtimestamp()?.toDate().getTime() ?? 0,
    failure: failure === undefined ? null : failureText(failure),
  }
}

const STATES: Readonly<Record<number, InstanceFacts['state']>> = {
  [pb.OrchestrationStatus.ORCHESTRATION_STATUS_PENDING]: 'pending',
  [pb.OrchestrationStatus.ORCHESTRATION_STATUS_COMPLETED]: 'completed',
  [pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED]: 'failed',
  [pb.OrchestrationStatus.ORCHESTRATION_STATUS_TERMINATED]: 'terminated',
  [pb.OrchestrationStatus.ORCHESTRATION_STATUS_CANCELED]: 'terminated',
  [pb.OrchestrationStatus.ORCHESTRATION_STATUS_SUSPENDED]: 'suspended',
}

function failureText(failure: pb.TaskFailureDetails | undefined): string {
  const parts = [failure?.getErrortype(), failure?.getErrormessage()].filter((part) => part)
  return parts.join(': ') || 'failed without a reason'
}

function statusOf(response: pb.GetInstanceResponse): WorkflowStatus {
  const state = response.getExists() ? response.getOrchestrationstate() : undefined
  if (state === undefined) return { kind: 'absent' }
  switch (state.getOrchestrationstatus()) {
    case pb.OrchestrationStatus.ORCHESTRATION_STATUS_COMPLETED:
      return completed(state.getOutput()?.getValue())
    case pb.OrchestrationStatus.ORCHESTRATION_STATUS_FAILED:
      return { kind: 'failed', reason: failureText(state.getFailuredetails()) }
    case pb.OrchestrationStatus.ORCHESTRATION_STATUS_TERMINATED:
      return { kind: 'failed', reason: 'terminated' }
    case pb.OrchestrationStatus.ORCHESTRATION_STATUS_CANCELED:
      return { kind: 'failed', reason: 'canceled' }
    default:
      return { kind: 'running' }
  }
}

function completed(payload: string | undefined): WorkflowStatus {
  const output: unknown = payload === undefined || payload === '' ? undefined : JSON.parse(payload)
  return typeof output === 'string'
    ? { kind: 'completed', output }
    : { kind: 'failed', reason: `returned ${output === undefined ? 'nothing' : typeof output} instead of a text` }
}

/** daprd reports both of these with status UNKNOWN, so only the text distinguishes them. */
function isActiveAlready(error: unknown): boolean {
  return grpcStatusOf(error) === GrpcStatus.ALREADY_EXISTS || /already exists/i.test(messageOf(error))
}

function isNoSuchInstance(error: unknown): boolean {
  return grpcStatusOf(error) === GrpcStatus.NOT_FOUND || /no such instance/i.test(messageOf(error))
}

function absentOr(error: unknown, doing: string): WorkflowStatus {
  if (isNoSuchInstance(error)) return { kind: 'absent' }
  throw sidecarError(error, 'WORKFLOW_ENGINE', doing)
}
