/**
 * The requirements of Windrow on a Dapr sidecar, as one suite that runs against every kind of sidecar. It connects the
 * SDK's own clients and worker to a gRPC port. The suite requires only what daprd 1.18 does with every state store that
 * Windrow supports (Redis and PostgreSQL among them); where stores differ, a comment says so.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, vi } from 'vitest'
import { stateConformance } from './state-conformance.ts'
import { workerConformance } from './worker-conformance.ts'
import { workflowConformance } from './workflow-conformance.ts'

export interface SidecarUnderTest {
  readonly grpcPort: number
  readonly storeName: string
  stop(): Promise<void>
}

export function sidecarConformance(name: string, connect: () => Promise<SidecarUnderTest>): void {
  describe(`${name} as a sidecar`, () => {
    const run = randomBytes(4).toString('hex')
    let count = 0
    /** A name that no other test and no earlier run has used. */
    const fresh = (what: string) => `conformance-${run}-${what}-${++count}`
    let sidecar: SidecarUnderTest

    beforeAll(async () => {
      // The SDK writes several lines for every work item.
      for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
        vi.spyOn(console, level).mockImplementation(() => undefined)
      }
      sidecar = await connect()
    })
    afterAll(async () => {
      await sidecar.stop()
      vi.restoreAllMocks()
    })

    stateConformance(() => sidecar, fresh)
    workflowConformance(() => sidecar, fresh)
    workerConformance(() => sidecar, fresh)
  })
}
