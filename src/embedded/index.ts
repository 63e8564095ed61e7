/**
 * A Dapr sidecar in this process, for one machine: the parts of Dapr's gRPC API that Windrow uses, on a loopback port,
 * so that the SDK's clients and worker talk to it as to a daprd.
 *
 *   const sidecar = await startEmbeddedSidecar({ dataDir: '.windrow' })
 *   const client = new DaprClient({ daprHost: '127.0.0.1', daprPort: String(sidecar.grpcPort), … })
 *
 *   sidecar.ts      what the application starts and closes       thread.ts      the thread that it runs in
 *   server.ts       puts the parts together                      grpc.ts        calls and streams over node:http2
 *   state-api.ts    the state methods      state-store.ts        values with etags, on disk
 *   hub-api.ts      the workflow methods   task-hub.ts           instances and turns, in memory
 *   work-queue.ts   items to workers       history.ts            events and items, encoded
 *   watchers.ts     who waits for what     long-timeout.ts       timers of any length
 *   faults.ts       faults on demand, for tests                  protobuf.ts    the wire format
 *   endpoint.ts     where it serves, for other processes
 *
 * Two kinds of state, kept apart on purpose: what the state API acknowledged survives anything, and workflows survive
 * nothing, since the ledger in the state drives them again.
 */
export { readEndpoint } from './endpoint.ts'
export { startEmbeddedSidecar } from './sidecar.ts'
export type { EmbeddedSidecar, EmbeddedSidecarOptions } from './sidecar.ts'
export type { FaultEffect, FaultPlan, FaultRule } from './faults.ts'
export type { Retention } from './task-hub.ts'
