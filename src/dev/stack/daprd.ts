/** A Dapr sidecar. Several of one app id share its workflows and its state. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DAPR_VERSION } from './builds.ts'
import { fillTemplate } from './data-files.ts'
import type { DaprdDescription, StackDescription } from './description.ts'
import { checkHttp } from './service.ts'
import type { Service } from './service.ts'
import { HOST } from './ports.ts'

/** Largest request, reply and workflow payload; Dapr's default is 4Mi. */
const MAX_BODY_SIZE = '64Mi'

/** Templates of the optional components. */
const COMPONENTS = ['pubsub-kafka.yaml', 'pubsub-redis.yaml', 'binding-files.yaml'] as const

export function daprdService(stack: StackDescription, daprd: DaprdDescription): Service {
  const folder = join(stack.dataDir, 'dapr')
  const resources = join(folder, `resources-${daprd.state}`)
  const config = join(folder, 'config.yaml')
  const { http, grpc, internalGrpc, metrics } = daprd.ports
  return {
    name: daprd.name,
    version: DAPR_VERSION,
    doing: `starts as ${daprd.appId} with its state in ${daprd.state}`,
    ports: [grpc, http, internalGrpc, metrics],
    stopSignal: 'SIGTERM',
    folders: [folder],
    prepare: async () => {
      await mkdir(resources, { recursive: true })
      const values = componentValues(stack)
      await writeFile(join(resources, 'statestore.yaml'), await fillTemplate(`statestore-${daprd.state}.yaml`, values))
      if (stack.components === true) {
        for (const name of COMPONENTS) await writeFile(join(resources, name), await fillTemplate(name, values))
      }
      await writeFile(config, await fillTemplate('dapr-config.yaml', values))
    },
    command: async () => ({
      program: join(stack.daprPrograms, 'daprd'),
      args: [
        ...['--app-id', daprd.appId, '--dapr-listen-addresses', HOST],
        ...['--dapr-http-port', String(http), '--dapr-grpc-port', String(grpc)],
        ...['--dapr-internal-grpc-port', String(internalGrpc), '--dapr-internal-grpc-listen-address', HOST],
        ...['--metrics-listen-address', HOST, '--metrics-port', String(metrics)],
        ...['--placement-host-address', stack.addresses.placement],
        ...['--scheduler-host-address', stack.addresses.scheduler],
        ...(daprd.appPort === undefined ? [] : ['--app-port', String(daprd.appPort)]),
        ...['--resources-path', resources, '--config', config, '--max-body-size', MAX_BODY_SIZE],
      ],
      cwd: folder,
      // The address that it gives to other sidecars.
      env: { DAPR_HOST_IP: HOST },
    }),
    // This endpoint is ready as soon as the components are, even if no application is connected.
    check: () => checkHttp(http, '/v1.0/healthz/outbound'),
  }
}

function componentValues(stack: StackDescription): Record<string, string> {
  return {
    KAFKA_ADDRESS: stack.addresses.kafka,
    REDIS_ADDRESS: stack.addresses.redis,
    BINDING_FOLDER: join(stack.dataDir, 'dapr', 'binding-files'),
    POSTGRES_CONNECTION: `${stack.addresses.postgres}?sslmode=disable`,
    NAMES_DATABASE: join(stack.dataDir, 'dapr', 'names.db'),
  }
}
