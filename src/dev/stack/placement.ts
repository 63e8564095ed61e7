/** The Dapr placement service: informs the sidecars which of them hosts which actor. It stores nothing on disk. */
import { join } from 'node:path'
import { DAPR_VERSION } from './builds.ts'
import type { StackDescription } from './description.ts'
import { checkHttp } from './service.ts'
import type { Service } from './service.ts'
import { addressOf, HOST } from './ports.ts'

export function placementService(stack: StackDescription): Service {
  const { placement, placementHealth, placementMetrics, placementRaft } = stack.ports
  return {
    name: 'placement',
    version: DAPR_VERSION,
    doing: 'starts, elects itself',
    ports: [placement, placementHealth, placementMetrics, placementRaft],
    stopSignal: 'SIGTERM',
    folders: [],
    prepare: async () => undefined,
    command: async () => ({
      program: join(stack.daprPrograms, 'placement'),
      args: [
        ...['--listen-address', HOST, '--port', String(placement)],
        // Listens on all interfaces even if --healthz-listen-address is set. It serves nothing but health.
        ...['--healthz-port', String(placementHealth)],
        ...['--metrics-listen-address', HOST, '--metrics-port', String(placementMetrics)],
        ...['--id', 'dapr-placement-0', '--initial-cluster', `dapr-placement-0=${addressOf(placementRaft)}`],
      ],
      cwd: stack.dataDir,
    }),
    check: () => checkHttp(placementHealth, '/healthz'),
  }
}
