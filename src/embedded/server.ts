/** Assembles the embedded sidecar: state store, task hub, and the gRPC server that exposes both. */
import { announceEndpoint, withdrawEndpoint } from './endpoint.ts'
import { deliverWithFaults, FaultInjector, withFaults } from './faults.ts'
import type { FaultPlan } from './faults.ts'
import { serveGrpc } from './grpc.ts'
import type { UnaryHandler } from './grpc.ts'
import { hubMethods } from './hub-api.ts'
import { ProtoWriter } from '../adapters/bytes/protobuf.ts'
import { stateMethods } from './state-api.ts'
import { DiskStateStore } from './state-store.ts'
import { TaskHub } from './task-hub.ts'
import type { Retention } from './task-hub.ts'
import { WorkQueue } from './work-queue.ts'
import type { WindrowError } from '../errors/index.ts'

export interface ServerOptions {
  readonly dataDir: string
  readonly port: number
  readonly storeName: string
  readonly retention: Retention
  readonly maxWorkflowItems: number
  readonly maxActivityItems: number
  readonly faults: FaultPlan
  /** Whether other processes may find this sidecar, see endpoint.ts. */
  readonly isAnnounced: boolean
}

export interface SidecarServer {
  readonly port: number
  setFaults(plan: FaultPlan): void
  close(): Promise<void>
}

const RUNTIME_SERVICE = '/dapr.proto.runtime.v1.Dapr/'
const HUB_SERVICE = '/TaskHubSidecarService/'

/** `onFailure` is called with an error after which nothing can be served any more. */
export async function startServer(
  options: ServerOptions,
  onFailure: (error: WindrowError) => void,
): Promise<SidecarServer> {
  const injector = new FaultInjector()
  injector.set(options.faults)
  const store = await DiskStateStore.open(options.dataDir, onFailure)
  const limits = { workflow: options.maxWorkflowItems, activity: options.maxActivityItems }
  const queue = new WorkQueue(limits, deliverWithFaults(injector))
  const hub = new TaskHub(queue, options.retention)

  const unary = new Map<string, UnaryHandler>()
  const register = (service: string, methods: Record<string, UnaryHandler>) => {
    for (const [name, handler] of Object.entries(methods))
      unary.set(service + name, withFaults(name, handler, injector))
  }
  register(RUNTIME_SERVICE, { ...stateMethods(store, options.storeName), GetMetadata: () => metadata(options, queue) })
  register(HUB_SERVICE, hubMethods(hub))
  const streaming = new Map([
    [`${HUB_SERVICE}GetWorkItems`, (_: Buffer, stream: Parameters<typeof queue.connect>[0]) => queue.connect(stream)],
  ])

  const close = async () => {
    hub.close()
    await withdrawEndpoint(options.dataDir)
    await store.close()
  }
  try {
    // Remove the endpoint file of a crashed process; we hold the folder lock now.
    await withdrawEndpoint(options.dataDir)
    const server = await serveGrpc(options.port, { unary, streaming })
    if (options.isAnnounced) await announceEndpoint(options.dataDir, server.port)
    return {
      port: server.port,
      setFaults: (plan) => injector.set(plan),
      close: async () => {
        hub.close()
        // While we still hold the folder lock; later this could delete the endpoint file of the next holder.
        await withdrawEndpoint(options.dataDir)
        await server.close()
        await store.close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** GetMetadataResponse: read by the client's health check; it also identifies this sidecar in a diagnosis. */
function metadata(options: ServerOptions, queue: WorkQueue): Buffer {
  const component = new ProtoWriter()
    .string(1, options.storeName)
    .string(2, 'state.windrow-embedded')
    .string(3, 'v1')
    .string(4, 'ETAG')
    .string(4, 'TRANSACTIONAL')
  return new ProtoWriter(256)
    .string(1, 'windrow-embedded')
    .message(3, component.finish())
    .string(8, 'windrow-embedded')
    .message(12, new ProtoWriter().int32(1, queue.connectedWorkers).finish())
    .finish()
}
