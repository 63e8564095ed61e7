/** Dapr scheduler: keeps the reminders that drive workflows, in an etcd of its own. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DAPR_VERSION } from './builds.ts'
import type { StackDescription } from './description.ts'
import { checkHttp } from './service.ts'
import type { Service } from './service.ts'
import { addressOf, HOST } from './ports.ts'

const ID = 'dapr-scheduler-server-0'

export function schedulerService(stack: StackDescription): Service {
  const { scheduler, schedulerHealth, schedulerMetrics, schedulerEtcdClient, schedulerEtcdPeer } = stack.ports
  const folder = join(stack.dataDir, 'scheduler')
  return {
    name: 'scheduler',
    version: DAPR_VERSION,
    doing: 'starts with its etcd',
    ports: [scheduler, schedulerHealth, schedulerMetrics, schedulerEtcdClient, schedulerEtcdPeer],
    stopSignal: 'SIGTERM',
    folders: [folder],
    prepare: async () => void (await mkdir(folder, { recursive: true, mode: 0o700 })),
    command: async () => ({
      program: join(stack.daprPrograms, 'scheduler'),
      args: [
        ...['--listen-address', HOST, '--port', String(scheduler)],
        // Listens on all interfaces even if --healthz-listen-address is set. It serves nothing but health.
        ...['--healthz-port', String(schedulerHealth)],
        ...['--metrics-listen-address', HOST, '--metrics-port', String(schedulerMetrics)],
        ...['--etcd-data-dir', folder, '--etcd-client-port', String(schedulerEtcdClient)],
        ...['--etcd-client-listen-address', HOST],
        ...['--id', ID, '--etcd-initial-cluster', `${ID}=http://${addressOf(schedulerEtcdPeer)}`],
        // The address to which the sidecars connect. The default is an address of another interface.
        ...['--override-broadcast-host-port', addressOf(scheduler)],
        ...['--identity-directory-write', join(folder, 'identity')],
      ],
      cwd: folder,
    }),
    check: () => checkHttp(schedulerHealth, '/healthz'),
  }
}
