/** The files of stack/ agree with the code and with the files for containers. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { DEPLOYED_DAPR_VERSION } from '../../../src/adapters/dapr/runtime-version.ts'
import { DAPR_VERSION, goMinimum, KAFKA_VERSION } from '../../../src/dev/stack/builds.ts'
import { dataFile, fillTemplate } from '../../../src/dev/stack/data-files.ts'
import { APP_ID, STATE_STORE_NAME } from '../../../src/dev/stack/description.ts'

const read = (name: string): Promise<string> => readFile(dataFile(name), 'utf8')

test('a template with a variable that is not given is an error', async () => {
  await expect(fillTemplate('statestore-redis.yaml', {})).rejects.toThrow('asks for REDIS_ADDRESS')
})

test('the printed versions are the pinned ones', async () => {
  expect(await read('kafka-pom.xml')).toContain(`<version>${KAFKA_VERSION}</version>`)
  expect(await read('sidecar/go.mod')).toMatch(`github.com/dapr/dapr v${DAPR_VERSION}\n`)
  expect(await goMinimum()).toMatch(/^1\.\d+/)
})

test.each([
  ['redis/statestore.yaml', 'statestore-redis.yaml', { REDIS_ADDRESS: 'redis:6379' }],
  [
    'postgres/statestore.yaml',
    'statestore-postgres.yaml',
    { POSTGRES_CONNECTION: 'host=postgres port=5432 user=windrow dbname=windrow sslmode=disable' },
  ],
  ['config.yaml', 'dapr-config.yaml', { NAMES_DATABASE: '/tmp/names.db' }],
])('the containers have the same %s as the stack', async (forContainers, template, values) => {
  expect(await read(`compose/${forContainers}`)).toBe(await fillTemplate(template, values as Record<string, string>))
})

test.each(['redis', 'postgres'])(
  'the component on %s has the name that Windrow uses, and stores actors',
  async (store) => {
    const component = parse(await read(`compose/${store}/statestore.yaml`)) as {
      metadata: { name: string }
      spec: { metadata: { name: string; value: string }[] }
    }
    expect(component.metadata.name).toBe(STATE_STORE_NAME)
    expect(component.spec.metadata).toContainEqual({ name: 'actorStateStore', value: 'true' })
  },
)

test('the sidecar dispatches at most as many items as the worker queues without dropping any', async () => {
  const { spec } = parse(await read('compose/config.yaml')) as { spec: { workflow: Record<string, number> } }
  const { maxConcurrentWorkflowInvocations = Infinity, maxConcurrentActivityInvocations = Infinity } = spec.workflow
  expect(maxConcurrentWorkflowInvocations + maxConcurrentActivityInvocations).toBeLessThanOrEqual(110)
})

test('the containers run the pinned versions under the app id of the stack, on the loopback only', async () => {
  const compose = parse(await readFile(dataFile('../compose.yaml'), 'utf8')) as {
    services: Record<string, { image: string; ports?: string[]; command?: string[] }>
  }
  const { services } = compose
  expect(services.kafka?.image).toBe(`apache/kafka:${KAFKA_VERSION}`)
  for (const part of ['daprd', 'placement', 'scheduler'])
    expect(services[part]?.image).toBe(`daprio/${part}:${DEPLOYED_DAPR_VERSION}`)
  expect(services.daprd?.command).toContain(`--app-id=${APP_ID}`)
  for (const { ports = [] } of Object.values(services)) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
})
