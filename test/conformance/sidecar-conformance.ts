/**
 * What Windrow asks of a Dapr sidecar, stated once and run against every kind: the SDK's own clients and worker against
 * a gRPC port. It states only what daprd 1.18 does with any of the state stores that Windrow supports (Redis and
 * PostgreSQL among them), so a difference between them is left open here and said so.
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
