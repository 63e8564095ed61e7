/** Runs the conformance suite against the embedded sidecar, in this thread and, as the application does, in its own thread. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedSidecar } from '../../src/embedded/index.ts'
import { sidecarConformance } from './sidecar-conformance.ts'
import type { SidecarUnderTest } from './sidecar-conformance.ts'

async function start(inThread: boolean): Promise<SidecarUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'windrow-conformance-'))
  const sidecar = await startEmbeddedSidecar({ dataDir, inThread, storeName: 'windrow-state' })
  return {
    grpcPort: sidecar.grpcPort,
    storeName: 'windrow-state',
    stop: async () => {
      await sidecar.close()
      await rm(dataDir, { recursive: true })
    },
  }
}

sidecarConformance('the embedded sidecar', () => start(false))
sidecarConformance('the embedded sidecar in a thread', () => start(true))
