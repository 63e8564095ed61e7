/** The overlays are valid, agree with the rest of the project, and contain settings that Windrow accepts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readGatewayOptions } from '../../src/cli/gateway-options.ts'
import { sizeCommand } from '../../src/cli/size.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { parseConfigFile } from '../../src/config/yaml-file.ts'
import type { Config } from '../../src/config/settings.ts'
import { DEPLOYED_DAPR_VERSION } from '../../src/adapters/dapr/runtime-version.ts'
import { KAFKA_VERSION } from '../../src/dev/stack/builds.ts'
import { fakeCli } from '../cli/cli-context.ts'
import { ROOT } from '../support/built.ts'
import type { Container, Manifest } from './manifest.ts'
import { build, buildText, find, kustomize, OVERLAYS, schemaProblems } from './manifests.ts'

describe('schemas', () => {
  it.each(OVERLAYS)('the overlay %s is valid', async (overlay) => {
    expect(await schemaProblems(await buildText(overlay))).toBe('')
  })

  it('the overlay local with the component events is valid', async () => {
    expect(await schemaProblems(await kustomize(join(ROOT, 'test/k8s/with-events')))).toBe('')
  })

  it.each([
    ['an unknown field of Kubernetes', 'maxSurge: 1', 'maxSurg: 1', "'maxSurg' not allowed"],
    ['a wrong type', 'minReadySeconds: 10', 'minReadySeconds: ten', "at '/spec/minReadySeconds'"],
    ["an unknown field of Dapr's", 'stateRetentionPolicy:', 'stateRetention:', "'stateRetention' not allowed"],
    ["an unknown field of KEDA's", 'pollingInterval: 30', 'polling: 30', "'polling' not allowed"],
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
  const containerOf = async (name: string): Promise<Container> =>
    find(await all, 'Deployment', name).spec?.template?.spec.containers[0] as Container
  const processor = (): Promise<Container> => containerOf('processor')
  const variables = ({ env }: Container) => Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]))
  const settingsText = async (): Promise<string> => find(await all, 'ConfigMap').data?.['windrow.yaml'] ?? ''

  /** Settings as in the container: the file from the ConfigMap, then its variables. */
  async function settings(): Promise<Config> {
    const file = parseConfigFile('windrow.yaml', await settingsText())
    return resolveConfig({ flags: {}, env: variables(await processor()), file })
  }

  it('starts Windrow with settings that it accepts', async () => {
    expect((await processor()).args).toEqual(['run'])
    expect(await settings()).toMatchObject({ source: 'kafka', sidecar: 'dapr', once: false, logLevel: 'info' })
  })

  it('starts a gateway in front of the same topic, with tokens', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'windrow-gateway-'))
    try {
      // Files that the cluster mounts.
      const [config, tokens] = [join(folder, 'windrow.yaml'), join(folder, 'tokens')]
      writeFileSync(config, await settingsText())
      writeFileSync(tokens, 'fleet 0123456789abcdef\n')
      const gateway = await containerOf('gateway')
      const [command, ...args] = gateway.args ?? []
      expect([command, args.length]).toEqual(['gateway', 4])
      const flags = { listen: args[args.indexOf('--listen') + 1], tokensFile: tokens }
      expect(args).toContain('/etc/windrow-tokens/tokens')
      const { config: its, clients } = readGatewayOptions(flags, { ...variables(gateway), WINDROW_CONFIG: config })
      const { topic, brokers, window, job } = await settings()
      expect(its).toMatchObject({ topic, brokers, window, job })
      expect(clients).toHaveLength(1)
      expect(gateway.ports?.[0]?.containerPort).toBe(its.listen.port)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('has the size that the command in its header computes', async () => {
    const text = readFileSync(join(ROOT, 'k8s/overlays', overlay, 'size/kustomization.yaml'), 'utf8')
    const [, line = ''] = /^# Written by `windrow size (.*)`/.exec(text) ?? []
    const pairs = [...line.matchAll(/--(\S+) (\S+)/g)].map(([, name = '', value = '']) => [
      name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ])
    const flags = Object.fromEntries(pairs) as Record<string, string>
    expect(flags['write']).toBe(`k8s/overlays/${overlay}`)
    const folder = mkdtempSync(join(tmpdir(), 'windrow-size-'))
    try {
      await sizeCommand.run({ ...flags, write: folder }, fakeCli().context, [])
      const again = readFileSync(join(folder, 'size/kustomization.yaml'), 'utf8')
      expect(again.replace(folder, `k8s/overlays/${overlay}`)).toBe(text)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('has probes and a Prometheus monitor on the ports of the settings, and a network policy that admits Prometheus', async () => {
    const { ports } = await processor()
    const { healthPort, metricsPort, metricsHost } = await settings()
    const portOf = (wanted: string) => ports?.find(({ name }) => name === wanted)?.containerPort
    expect([portOf('health'), portOf('metrics'), metricsHost]).toEqual([healthPort, metricsPort, '0.0.0.0'])
    const scraped = find(await all, 'PodMonitor', 'processor').spec?.podMetricsEndpoints?.map(({ port }) => port)
    expect(scraped).toEqual(['metrics', 'dapr-metrics'])
    const open = find(await all, 'NetworkPolicy', 'monitoring').spec?.ingress?.[0]?.ports?.map(({ port }) => port)
    expect(open).toEqual([9090, metricsPort])
  })

  it('scales on the group and topic of the processors, up to the number of partitions', async () => {
    const { spec = {} } = find(await all, 'ScaledObject', 'processor')
    // It concerns only scaling to zero, which the minimum of two excludes.
    expect(spec).not.toHaveProperty('cooldownPeriod')
    const { triggers, maxReplicaCount } = spec
    const { job, topic, partitions } = await settings()
    expect(triggers?.[0]?.metadata).toMatchObject({ consumerGroup: job, topic })
    const topics = (await all).filter(({ kind }) => kind === 'KafkaTopic')
    expect(maxReplicaCount).toBe(topics[0]?.spec?.partitions ?? partitions)
  })

  it('gives KEDA addresses of Kafka that resolve from its own namespace', async () => {
    const { triggers } = find(await all, 'ScaledObject', 'processor').spec ?? {}
    const addresses = [triggers?.[0]?.metadata['bootstrapServers'] ?? '']
    // The brokers answer with the addresses that they advertise; Strimzi advertises full names.
    const kafka = (await all).find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'kafka')
    if (kafka !== undefined) {
      const container = kafka.spec?.template?.spec.containers[0] as Container
      addresses.push(variables(container)['KAFKA_ADVERTISED_LISTENERS'] ?? '')
    }
    for (const address of addresses) expect(address).toMatch(/\.windrow(\.svc(\.cluster\.local)?)?:\d+$/)
  })

  it('has something that creates the topic', async () => {
    const { topic } = await settings()
    const created = (await all).flatMap((one) => {
      if (one.kind === 'KafkaTopic') return [one.metadata.name]
      if (one.kind !== 'Job') return []
      const { command = [] } = one.spec?.template?.spec.containers[0] as Container
      return command.includes('--create') ? command.flatMap((word) => word.split('--topic=').slice(1)) : []
    })
    expect(created).toEqual([topic])
  })

  it('has the workflow settings and the store of the stack tests', async () => {
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

  it('runs the tested versions', async () => {
    const annotations = find(await all, 'Deployment', 'processor').spec?.template?.metadata.annotations ?? {}
    expect(annotations['dapr.io/sidecar-image']).toBe(`ghcr.io/dapr/daprd:${DEPLOYED_DAPR_VERSION}`)
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
