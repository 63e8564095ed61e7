/** Checks what Windrow requires from a sidecar, on real daprds with both stores. The embedded sidecar passes the same suite. */
import { sidecarConformance } from '../conformance/sidecar-conformance.ts'
import { sharedStack } from './stacks.ts'

const stack = sharedStack()

// Sidecars of app ids of their own, since workers of one id share what workflows others have left. They are stopped after both.
const sidecar = (grpcPort: number) => ({ grpcPort, storeName: 'statestore', stop: () => Promise.resolve() })

sidecarConformance('daprd on Redis', async () => {
  const daprd = await stack().startDaprd({ index: 1, appId: 'conformance-redis', state: 'redis' })
  return sidecar(daprd.ports.grpc)
})

sidecarConformance('daprd on PostgreSQL', async () => {
  const daprd = await stack().startDaprd({ index: 2, appId: 'conformance-postgres', state: 'postgres' })
  return sidecar(daprd.ports.grpc)
})
