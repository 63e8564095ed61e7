/**
 * A Dapr sidecar in this process, for one machine: the parts of Dapr's gRPC API that Windrow uses, on a loopback port,
 * so that the SDK's clients and worker can use it like a daprd.
 *
 *   const sidecar = await startEmbeddedSidecar({ dataDir: '.windrow' })
 *   const client = new DaprClient({ daprHost: '127.0.0.1', daprPort: String(sidecar.grpcPort), … })
 *
 *   sidecar.ts        starts and closes the sidecar, in a thread of its own or in the caller's
 *   thread.ts         entry of that thread
 *   server.ts         assembles store, task hub and gRPC server
 *   endpoint.ts       the file from which other processes read the port
 *   grpc.ts           a gRPC server on node:http2: unary calls and server streams
 *   state-api.ts      the state methods of Dapr's API
 *   state-store.ts    values with ETags, durable on disk
 *   hub-api.ts        the workflow methods of Dapr's API
 *   task-hub.ts       the workflow engine: instances and turns, in memory
 *   history.ts        encodes history events and work items
 *   work-queue.ts     delivers work items to the connected workers
 *   watchers.ts       callers that wait for an instance to reach a state
 *   long-timeout.ts   timers of any length
 *   faults.ts         injected faults, for tests
 *
 * The two kinds of state are kept apart on purpose. State that the state API has acknowledged survives a crash.
 * Workflows do not: after a restart the owner of a partition reads its ledger and starts them again.
 */
export { readEndpoint } from './endpoint.ts'
export { startEmbeddedSidecar } from './sidecar.ts'
export type { EmbeddedSidecar, EmbeddedSidecarOptions } from './sidecar.ts'
export type { FaultEffect, FaultPlan, FaultRule } from './faults.ts'
export type { Retention } from './task-hub.ts'
