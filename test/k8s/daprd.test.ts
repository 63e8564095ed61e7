/**
 * The real daprd, running without a cluster, loads the Dapr resources of the overlays: components, Configuration,
 * Resiliency, WorkflowAccessPolicy. A job then runs on it, which shows that they allow everything that Windrow needs.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { GRPCClient } from '@dapr/dapr'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { connectSidecar } from '../../src/adapters/dapr/client.ts'
import { createDaprStateStore } from '../../src/adapters/dapr/state-store.ts'
import { startWorkflowWorker, type WorkerEvent } from '../../src/adapters/dapr/worker.ts'
import { isUnsafeDapr } from '../../src/adapters/dapr/runtime-version.ts'
import { DAPR_VERSION } from '../../src/dev/stack/builds.ts'
import { daprdPorts } from '../../src/dev/stack/ports.ts'
import { actorsOf, shutDownSidecar } from '../../src/adapters/dapr/actor-watch.ts'
import type { WindrowError } from '../../src/errors/index.ts'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { resultsIn, windrow } from '../support/windrow-process.ts'
import { ownStack } from '../stack/stacks.ts'
import type { Manifest } from './manifest.ts'
import { build, find, kustomize, manifestsIn, type Overlay } from './manifests.ts'

const LIMIT = { timeoutMs: 10_000 }
const READ_BY_DAPRD = ['Component', 'Resiliency', 'WorkflowAccessPolicy']
const stack = ownStack()
let folder: string
const started: ChildProcess[] = []

beforeAll(async () => {
  ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'windrow-k8s-'))
})
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Daprd {
  readonly grpcPort: number
  readonly httpPort: number
  readonly metricsPort: number
  /** Its log so far. */
  readonly log: readonly string[]
  /** Resolves with the first line that contains the text; rejects when daprd ends without one. */
  said(text: string): Promise<string>
}

/** Starts daprd with the resources of an overlay, as in the cluster except for host names, which only its DNS resolves. */
async function startDaprd(overlay: Overlay, change: (manifest: Manifest) => void): Promise<Daprd> {
  const manifests = await build(overlay)
  manifests.forEach(change)
  const resources = join(folder, overlay)
  await mkdir(resources, { recursive: true })
  for (const manifest of manifests.filter(({ kind }) => READ_BY_DAPRD.includes(kind)))
    await writeFile(join(resources, `${manifest.kind}.yaml`), stringify(manifest))
  const configuration = find(manifests, 'Configuration') as Manifest & { spec: Record<string, unknown> }
  configuration.spec['nameResolution'] = {
    component: 'sqlite',
    version: 'v1',
    configuration: { connectionString: join(folder, `${overlay}.db`) },
  }
  const config = join(folder, `${overlay}.yaml`)
  await writeFile(config, stringify(configuration))

  const { portBase, addresses, daprPrograms } = stack().description
  const ports = daprdPorts(portBase, 1)
  const child = spawn(
    join(daprPrograms, 'daprd'),
    [
      ...['--app-id', 'windrow', '--dapr-listen-addresses', '127.0.0.1', '--metrics-listen-address', '127.0.0.1'],
      ...['--dapr-http-port', String(ports.http), '--dapr-grpc-port', String(ports.grpc)],
      ...['--dapr-internal-grpc-port', String(ports.internalGrpc), '--metrics-port', String(ports.metrics)],
      ...['--dapr-internal-grpc-listen-address', '127.0.0.1', '--max-body-size', '64Mi'],
      ...['--placement-host-address', addresses.placement, '--scheduler-host-address', addresses.scheduler],
      ...['--resources-path', resources, '--config', config],
    ],
    { env: { ...process.env, NAMESPACE: 'windrow', DAPR_HOST_IP: '127.0.0.1' }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  started.push(child)
  const log: string[] = []
  const waiting: { text: string; resolve: (line: string) => void; reject: (error: Error) => void }[] = []
  createInterface({ input: child.stdout })
    .on('line', (line) => {
      log.push(line)
      for (const one of waiting) if (line.includes(one.text)) one.resolve(line)
    })
    .on('close', () => {
      for (const { text, reject } of waiting)
        reject(new Error(`daprd ended before "${text}":\n${log.slice(-8).join('\n')}`))
    })
  const said = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const line = log.find((one) => one.includes(text))
      if (line !== undefined) resolve(line)
      else waiting.push({ text, resolve, reject })
    })
  return { grpcPort: ports.grpc, httpPort: ports.http, metricsPort: ports.metrics, log, said }
}

/** Only the address differs from the cluster. */
const withRedisOf = (address: string) => (manifest: Manifest) => {
  const host = manifest.kind === 'Component' && manifest.spec?.metadata?.find(({ name }) => name === 'redisHost')
  if (host) host.value = address
}

describe('local', () => {
  it('is loaded completely, and a job runs on it', async () => {
    const daprd = await startDaprd('local', withRedisOf(stack().description.addresses.redis))
    await daprd.said('dapr initialized. Status: Running')
    await daprd.said('Component loaded: statestore (state.redis/v1)')
    await daprd.said('Loaded 1 workflow access policy resource(s)')
    await daprd.said('TraceIDRatioBased{0.01}')
    const metrics = await (await fetch(`http://127.0.0.1:${daprd.metricsPort}/`)).text()
    expect(metrics).toMatch(/dapr_resiliency_loaded\{[^}]*name="windrow"[^}]*\} 1/)
    expect(daprd.log.filter((line) => line.includes('level=error'))).toEqual([])

    const dataDir = join(folder, 'run')
    const args = ['--sidecar', 'dapr', '--window', '1h', '--job', 'k8s', '--data-dir', dataDir]
    const { stderr } = await windrow(['run', '--input', 'examples/points.ndjson', ...args], {
      DAPR_GRPC_PORT: String(daprd.grpcPort),
    })
    if (isUnsafeDapr(DAPR_VERSION)) expect(stderr).toContain(`daprd ${DAPR_VERSION} has known security gaps`)
    expect(resultsIn(join(dataDir, 'results.ndjson')).length).toBeGreaterThan(0)
  })

  it('does not retry an insert of an existing key for seconds', async () => {
    const daprd = await startDaprd('local', withRedisOf(stack().description.addresses.redis))
    await daprd.said('dapr initialized. Status: Running')
    const client = connectSidecar({ host: '127.0.0.1', grpcPort: daprd.grpcPort })
    try {
      const store = createDaprStateStore({ client, storeName: 'statestore', maxValueBytes: 1_000_000 })
      const key = `twice-${process.pid}-${Date.now()}`
      expect(await store.insert(key, 'first')).toBe('inserted')
      const startedMs = performance.now()
      expect(await store.insert(key, 'second')).toBe('exists')
      expect(performance.now() - startedMs, 'an insert').toBeLessThan(500)
      // Two writers that both found nothing: the sidecar itself refuses the second one.
      const states = [{ key, value: Buffer.from('third'), options: { concurrency: 1, consistency: 2 } }]
      await expect(client.api.saveState({ storeName: 'statestore', states }, LIMIT)).rejects.toThrow()
      expect(performance.now() - startedMs, 'a refused write').toBeLessThan(2_000)
      expect((await store.get([key])).get(key)?.value).toBe('first')

      // Redis itself would let an insert overwrite what was written without first-write.
      const plain = [{ key: `${key}-plain`, value: Buffer.from('plain') }]
      await client.api.saveState({ storeName: 'statestore', states: plain }, LIMIT)
      expect(await store.insert(`${key}-plain`, 'second')).toBe('exists')
      expect((await store.get([`${key}-plain`])).get(`${key}-plain`)?.value).toBe('plain')
    } finally {
      client.close()
    }
  })

  it('denies operations that Windrow does not use', async () => {
    const daprd = await startDaprd('local', withRedisOf(stack().description.addresses.redis))
    await daprd.said('dapr initialized. Status: Running')
    const client = connectSidecar({ host: '127.0.0.1', grpcPort: daprd.grpcPort })
    try {
      const sdk = new GRPCClient({ daprHost: '127.0.0.1', daprPort: String(daprd.grpcPort) })
      const secret = (await sdk.getClient(false)).getSecret({ storeName: 'kubernetes', key: 'any' })
      await expect(secret).rejects.toThrow('Not Implemented')
      await expect(client.api.getState({ storeName: 'statestore', key: 'none' }, LIMIT)).resolves.toBeDefined()
      const http = (method: string, path: string) =>
        fetch(`http://127.0.0.1:${daprd.httpPort}/v1.0/${path}`, { method })
      for (const [method, path] of [
        ['GET', 'state/statestore/none'],
        ['GET', 'metadata'],
        ['POST', 'shutdown'],
        ['GET', 'secrets/kubernetes/any'],
      ] as const)
        expect([path, (await http(method, path)).status]).toEqual([path, 404])
      expect((await http('GET', 'healthz')).status).toBe(204)
      // No worker is connected.
      await vi.waitFor(async () => expect(await actorsOf(client)).toBe('missing'), { timeout: 30_000 })
      await shutDownSidecar(client)
      await daprd.said('Force shutdown requested')
    } finally {
      client.close()
    }
  })
})

describe('the component events', () => {
  /** Whether the sidecar allows calls of the three APIs. */
  async function answers(change: (manifest: Manifest) => void): Promise<Record<string, string>> {
    const daprd = await startDaprd('local', (manifest) => {
      withRedisOf(stack().description.addresses.redis)(manifest)
      change(manifest)
    })
    await daprd.said('dapr initialized. Status: Running')
    const client = connectSidecar({ host: '127.0.0.1', grpcPort: daprd.grpcPort })
    // An allowed call fails since there is no component of this name.
    const outcome = (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => 'succeeded',
        (error: unknown) => {
          const text = String(error)
          return text.includes('UNIMPLEMENTED') ? 'denied' : text.includes('no-such') ? 'allowed' : text
        },
      )
    try {
      const none = { data: Buffer.from('{}'), contentType: 'application/json', metadata: {} }
      const url = `http://127.0.0.1:${daprd.httpPort}/v1.0/invoke/downstream/method/windows`
      const invoked = await fetch(url, { method: 'POST', body: '{}' })
      return {
        publish: await outcome(client.api.publishEvent({ pubsubName: 'no-such', topic: 'any', ...none }, LIMIT)),
        bindings: await outcome(client.api.invokeBinding({ name: 'no-such', operation: 'create', ...none }, LIMIT)),
        invoke: invoked.status === 404 ? 'denied' : invoked.status === 500 ? 'allowed' : String(invoked.status),
      }
    } finally {
      client.close()
    }
  }

  it('allows what sinks of events call, which the Configuration denies without it', async () => {
    expect(await answers(() => undefined)).toEqual({ publish: 'denied', bindings: 'denied', invoke: 'denied' })
    for (const child of started.splice(0)) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const built = manifestsIn(await kustomize(join(ROOT, 'test/k8s/with-events')))
    const withEvents = find(built, 'Configuration')
    const allowed = await answers((manifest) => {
      if (manifest.kind === 'Configuration') Object.assign(manifest, withEvents)
    })
    expect(allowed).toEqual({ publish: 'allowed', bindings: 'allowed', invoke: 'allowed' })
  })
})

describe('a Configuration that does not allow what Windrow needs', () => {
  it('is reported as such, with the API to allow', async () => {
    const onlySecrets = (manifest: Manifest): void => {
      withRedisOf(stack().description.addresses.redis)(manifest)
      if (manifest.kind !== 'Configuration') return
      const spec = manifest.spec as unknown as { api: { allowed: unknown } }
      spec.api.allowed = [{ name: 'secrets', version: 'v1', protocol: 'grpc' }]
    }
    const daprd = await startDaprd('local', onlySecrets)
    await daprd.said('dapr initialized. Status: Running')
    const endpoint = { host: '127.0.0.1', grpcPort: daprd.grpcPort }
    const client = connectSidecar(endpoint)
    const events: WorkerEvent[] = []
    const worker = startWorkflowWorker({
      ...{ grpcEndpoint: endpoint, workflows: {}, activities: {}, maxConcurrent: 1 },
      actorWatch: { everyMs: 10 },
      onEvent: (event) => events.push(event),
    })
    try {
      const store = createDaprStateStore({ client, storeName: 'statestore', maxValueBytes: 1_000_000 })
      const denied = {
        code: 'SIDECAR_API_DENIED',
        disposition: 'fatal',
        remedy: expect.stringContaining('api.allowed') as string,
      }
      await expect(store.get(['key'])).rejects.toMatchObject(denied)
      await expect(store.insert('key', 'value')).rejects.toMatchObject(denied)
      await vi.waitFor(() =>
        expect(events).toContainEqual({
          kind: 'actors-unwatched',
          error: expect.objectContaining({ code: 'SIDECAR_METADATA_DENIED' }) as WindrowError,
        }),
      )
    } finally {
      await worker.stop()
      client.close()
    }
  })
})

describe('aks', () => {
  it('is accepted up to the Azure login: only the token is missing', async () => {
    const daprd = await startDaprd('aks', () => undefined)
    const failure = await daprd.said('Failed to init component statestore (state.postgresql/v2)')
    expect(failure).toContain('failed to acquire a token')
    await daprd.said('Loaded 1 workflow access policy resource(s)')
  })
})
