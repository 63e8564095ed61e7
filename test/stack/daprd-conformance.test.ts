/** What Windrow asks of a sidecar, asked of real ones: the suite that the embedded sidecar passes, on both stores. */
import { sidecarConformance } from '../conformance/sidecar-conformance.ts'
import { stackForTests } from './run-support.ts'

const stack = stackForTests({ state: 'redis' })

// The stack is taken down as a whole, after both.
const sidecar = (grpcPort: number) => ({ grpcPort, storeName: 'statestore', stop: () => Promise.resolve() })

sidecarConformance('daprd on Redis', async () => {
  const daprd = await stack().startDaprd({ index: 0 })
  return sidecar(daprd.ports.grpc)
})

sidecarConformance('daprd on PostgreSQL', async () => {
  const daprd = await stack().startDaprd({ index: 1, appId: 'windrow-postgres', state: 'postgres' })
  return sidecar(daprd.ports.grpc)
})
