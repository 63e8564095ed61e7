/** The overlays are valid, mean what the rest of the project means, and hold settings that Windrow takes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { resolveConfig } from '../../src/config/resolve.ts'
import { parseConfigFile } from '../../src/config/yaml-file.ts'
import type { Config } from '../../src/config/settings.ts'
import { DAPR_VERSION, KAFKA_VERSION } from '../../src/stack/builds.ts'
import { ROOT } from '../support/built.ts'
import type { Container, Manifest } from './manifest.ts'
import { build, buildText, find, OVERLAYS, schemaProblems } from './manifests.ts'

describe('schemas', () => {
  it.each(OVERLAYS)('the overlay %s is valid', async (overlay) => {
    expect(await schemaProblems(await buildText(overlay))).toBe('')
  })

  it.each([
    ['an unknown field of Kubernetes', 'maxSurge: 1', 'maxSurg: 1', "'maxSurg' not allowed"],
    ['a wrong type', 'minReadySeconds: 10', 'minReadySeconds: ten', "at '/spec/minReadySeconds'"],
    ["an unknown field of Dapr's", 'stateRetentionPolicy:', 'stateRetention:', "'stateRetention' not allowed"],
    ["an unknown field of KEDA's", 'cooldownPeriod: 600', 'coolDown: 600', "'coolDown' not allowed"],
    ["an unknown field of the Prometheus Operator's", 'podMetricsEndpoints:', 'endpoints:', "'endpoints' not allowed"],
    ['an unknown operation of a workflow', '- terminate', '- destroy', "at '/spec/rules/0/workflows"],
  ])('notice %s', async (_case, from, to, problem) => {
    const text = await buildText('local')
    expect(text).toContain(from)
    expect(await schemaProblems(text.replace(from, to))).toContain(problem)
  })
})

const yaml = (path: string): Manifest => parse(readFileSync(join(ROOT, path), 'utf8')) as Manifest

describe.each(OVERLAYS)('%s', (overlay) => {
  const all = build(overlay)
  const processor = async (): Promise<Container> =>
    find(await all, 'Deployment', 'processor').spec?.template?.spec.containers[0] as Container

  /** Settings as the container has them: the file from the ConfigMap, then its variables. */
  async function settings(): Promise<Config> {
    const text = find(await all, 'ConfigMap').data?.['windrow.yaml'] ?? ''
    const env = Object.fromEntries(((await processor()).env ?? []).map(({ name, value }) => [name, value]))
    return resolveConfig({ flags: {}, env, file: parseConfigFile('windrow.yaml', text) })
  }

  it('starts Windrow with settings that it takes', async () => {
    expect((await processor()).args).toEqual(['run'])
    expect(await settings()).toMatchObject({ source: 'kafka', sidecar: 'dapr', once: false, logLevel: 'info' })
  })

  it('asks the health port that the settings open', async () => {
    const { ports } = await processor()
    expect(ports?.find(({ name }) => name === 'health')?.containerPort).toBe((await settings()).healthPort)
  })

  it("scales on the group and the topic that the processors read, by the partitions' number", async () => {
    const { triggers, maxReplicaCount } = find(await all, 'ScaledObject').spec ?? {}
    const { job, topic, partitions } = await settings()
    expect(triggers?.[0]?.metadata).toMatchObject({ consumerGroup: job, topic })
    expect(maxReplicaCount).toBeLessThanOrEqual(partitions)
  })

  it('has the workflow settings and the store that the tests of the stack run on', async () => {
    const workflow = find(await all, 'Configuration').spec?.workflow
    expect(workflow).toEqual(yaml('stack/dapr-config.yaml').spec?.workflow)
    const { stateStore } = await settings()
    const component = find(await all, 'Component', stateStore)
    const tested = yaml(`stack/statestore-${component.spec?.type === 'state.redis' ? 'redis' : 'postgres'}.yaml`)
    expect(component.spec).toMatchObject({ type: tested.spec?.type, version: tested.spec?.version })
    const byName = ({ spec }: Manifest) => new Map(spec?.metadata?.map(({ name, value }) => [name, value]))
    const where = ['redisHost', 'connectionString']
    for (const [name, value] of byName(tested))
      if (!where.includes(name)) expect(byName(component).get(name)).toBe(value)
  })

  it('runs the versions that are tested', async () => {
    const annotations = find(await all, 'Deployment', 'processor').spec?.template?.metadata.annotations ?? {}
    expect(annotations['dapr.io/sidecar-image']).toBe(`ghcr.io/dapr/daprd:${DAPR_VERSION}`)
    expect(await buildText(overlay)).toContain(
      overlay === 'local' ? `apache/kafka:${KAFKA_VERSION}` : `version: ${KAFKA_VERSION}`,
    )
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect((await processor()).image).toBe(`windrow:${version}`)
  })

  it('restarts the processors when a setting changes: the name of the settings carries their digest', async () => {
    const name = find(await all, 'ConfigMap').metadata.name
    expect(name).toMatch(/^windrow-settings-[a-z0-9]{10}$/)
    expect(await buildText(overlay)).toContain(`name: ${name}\n        name: settings`)
  })
})
