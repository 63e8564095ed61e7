/**
 * The overlay `local` on a real cluster with one node: Dapr by its chart, the image from the unchanged Dockerfile, and the
 * PlanetLab day, which pods produce. The results are exact although the processors are replaced and evicted in the middle of
 * the day, and KEDA changes their number in its last hour.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DAPR_VERSION } from '../../../src/dev/stack/builds.ts'
import type { JobStatus } from '../../../src/app/status/status.ts'
import { isUnsafeDapr } from '../../../src/adapters/dapr/runtime-version.ts'
import type { VerifyReport } from '../../../src/verify/report.ts'
import { output } from '../../containers/commands.ts'
import { buildText } from '../../k8s/manifests.ts'
import { decodeResults, expectExact, LENGTH_AND_VALUE, splitValues } from '../../stack/run-support.ts'
import { assertDataIsThere, expand, oracle, type OracleWindow } from '../../trace/planetlab-day.ts'
import { daprChart, helm, kubeRouter, nodePrograms, resourceDefinitions } from '../builds.ts'
import { Cluster } from './cluster.ts'
import { nodeImages } from './images.ts'
import { NODE_ADDRESS } from './control-plane.ts'
import { installKeda, lagSeenByKeda, scaleSoon } from './keda.ts'
import { idlePod, KAFKA_CLIENT, nodeDns, pointsVolume, produceJob, volumes } from './manifests.ts'

const BROKERS = 'kafka.windrow.svc:9092'
/** As the overlay's settings say. */
const WINDOW_MS = 3_600_000
const PARTITIONS = 8
/** The published results are some 10 MB, which each look at them reads. */
const RARELY = { pollMs: 2_000, withinMs: 900_000 }

let folder: string
let cluster: Cluster
interface Line {
  readonly timestamp?: number
  readonly manifest?: { readonly windowStart: number }
}

const SETTINGS = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops']
const machineSettings = (): string[] => SETTINGS.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8').trim())
let before: string[]
/** The lines of the day, with duplicates and disorder: all hours but the last; of the last, the points, then the manifests. */
let day: { readonly hours: string[]; readonly lastPoints: string[]; readonly lastManifests: string[] }
/** The exact answers of the whole day, and of all hours but the last. */
let exact: ReadonlyMap<string, OracleWindow>
let exactBefore: ReadonlyMap<string, OracleWindow>

beforeAll(async () => {
  assertDataIsThere()
  exact = oracle(WINDOW_MS)
  const lastHour = Math.max(...[...exact.values()].map(({ windowStart }) => windowStart))
  exactBefore = new Map([...exact].filter(([, { windowStart }]) => windowStart < lastHour))
  day = { hours: [], lastPoints: [], lastManifests: [] }
  for (const line of expand(['--window-ms', String(WINDOW_MS), '--dup', '0.05', '--reorder', '10'])) {
    const { timestamp, manifest } = JSON.parse(line) as Line
    if ((manifest?.windowStart ?? timestamp ?? 0) < lastHour) day.hours.push(line)
    else if (manifest === undefined) day.lastPoints.push(line)
    else day.lastManifests.push(line)
  }

  before = machineSettings()
  folder = mkdtempSync(join(tmpdir(), 'windrow-node-test-'))
  const images = process.env.WINDROW_NODE_IMAGES ?? (await nodeImages(folder))
  cluster = await Cluster.start({ bin: await nodePrograms(), images, kubeRouter: await kubeRouter() })
})
afterAll(async () => {
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
  expect(machineSettings()).toEqual(before)
})

const inWindrow = (...args: readonly string[]): Promise<string> => cluster.kubectl('--namespace=windrow', ...args)
const rollout = (what: string): Promise<string> => inWindrow('rollout', 'status', what, '--timeout=300s')

/** The values of a topic, as a reader outside of the pods sees them. */
async function published(topic: string): Promise<Buffer[]> {
  const args = ['-C', '-b', BROKERS, '-t', topic, '-o', 'beginning', '-e', '-q', '-X', 'isolation.level=read_committed']
  const { code, stdout, stderr } = await cluster.sandbox.run('kcat', [...args, '-f', LENGTH_AND_VALUE])
  if (code !== 0 && stderr.includes('Unknown topic')) return []
  if (code !== 0) throw new Error(`kcat ended with ${code}: ${stderr}`)
  return splitValues(stdout)
}

it("Dapr's chart installs, and the overlay comes up", async () => {
  const values = [
    ...[`global.tag=${DAPR_VERSION}`, 'dapr_scheduler.cluster.inMemoryStorage=true'],
    'dapr_sidecar_injector.sidecarDropALLCapabilities=true',
  ].flatMap((one) => ['--set', one])
  const chart = join(folder, 'chart')
  await output('cp', ['-r', '--no-preserve=mode', daprChart(), chart])
  for (const definition of resourceDefinitions()) await cluster.applyText(definition)
  const args = ['upgrade', '--install', 'dapr', chart, '--namespace', 'dapr-system', '--create-namespace', ...values]
  const env = {
    KUBECONFIG: cluster.kubeconfig,
    HELM_CACHE_HOME: folder,
    HELM_CONFIG_HOME: folder,
    HELM_DATA_HOME: folder,
  }
  await cluster.sandbox.output(await helm(), [...args, '--wait', '--timeout', '5m'], { env })

  for (const name of ['kafka', 'redis', 'points']) mkdirSync(join(cluster.folder, 'volumes', name), { recursive: true })
  await cluster.apply(...volumes(join(cluster.folder, 'volumes')))
  await cluster.applyText(await buildText('local'))
  await cluster.apply(nodeDns(NODE_ADDRESS))
  const tokens = join(folder, 'tokens')
  writeFileSync(tokens, `test ${'t'.repeat(32)}\n`)
  await inWindrow('create', 'secret', 'generic', 'gateway-tokens', `--from-file=tokens=${tokens}`)
  // KEDA sets the replicas.
  await inWindrow('scale', 'deployment/processor', '--replicas=2')
  for (const what of ['statefulset/kafka', 'statefulset/redis', 'deployment/processor', 'deployment/gateway'])
    await rollout(what)
})

/** Produces lines from a pod. */
async function produce(name: string, lines: readonly string[]): Promise<void> {
  writeFileSync(join(cluster.folder, 'volumes/points', `${name}.ndjson`), `${lines.join('\n')}\n`)
  await cluster.apply(produceJob(name, `${name}.ndjson`))
}
const untilProduced = (name: string): Promise<string> =>
  inWindrow('wait', `job/${name}`, '--for=condition=Complete', '--timeout=600s')

async function expectPublished(answers: ReadonlyMap<string, OracleWindow>): Promise<void> {
  const arePublished = async (): Promise<boolean> => (await published('windrow-results')).length >= answers.size
  await cluster.until('all windows are published', arePublished, RARELY)
  expectExact(await decodeResults(await published('windrow-results')), answers)
  expect(await published('windrow-dead-letters')).toEqual([])
}

it('the day that a pod produces gives exact results, through a rolling update and an eviction', async () => {
  await cluster.apply(pointsVolume())
  await produce('day', day.hours)
  await cluster.until('the first results are published', async () => (await published('windrow-results')).length > 0)
  const results = (await published('windrow-results')).length
  expect(results, 'the update begins in the middle').toBeLessThan(exactBefore.size / 2)
  await inWindrow('rollout', 'restart', 'deployment/processor')
  await rollout('deployment/processor')

  // One processor may be evicted; while it is replaced, the next may not.
  const drain = ['drain', 'node1', '--pod-selector=app.kubernetes.io/component=processor', '--delete-emptydir-data']
  const drained = await cluster.tryKubectl(...drain, '--ignore-daemonsets', '--timeout=20s')
  expect(drained.code).not.toBe(0)
  expect(drained.stdout.toString()).toContain('evicting pod windrow/processor-')
  expect(drained.stderr).toContain("would violate the pod's disruption budget")
  await cluster.kubectl('uncordon', 'node1')
  await rollout('deployment/processor')

  await untilProduced('day')
  await expectPublished(exactBefore)
})

it('every processor has the injected sidecar as a native one', async () => {
  const pods = await cluster.json<{
    items: { spec: { initContainers: { name: string; restartPolicy?: string }[] } }[]
  }>(...['get', 'pods', '--namespace=windrow', '--selector=app.kubernetes.io/component=processor'])
  const sidecars = pods.items.map(({ spec }) =>
    spec.initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
  )
  expect(sidecars).toEqual([[['daprd', 'Always']], [['daprd', 'Always']]])
  // The tag of its image is the overlay's; the program is the one that this repository builds.
  if (isUnsafeDapr(DAPR_VERSION))
    expect(await inWindrow('logs', 'deployment/processor')).toContain(`daprd ${DAPR_VERSION} has known security gaps`)
})

const PROCESSOR = { 'app.kubernetes.io/component': 'processor' }
/** Runs a program of JavaScript in a pod and returns what it prints. */
const inPod = (pod: string, container: string, program: string): Promise<string> =>
  inWindrow('exec', pod, `--container=${container}`, '--', 'node', '-e', program)

it('network policies let a processor reach Redis, and refuse another pod of the namespace', async () => {
  await cluster.apply(idlePod('stranger'), idlePod('like-a-processor', PROCESSOR))
  await inWindrow('wait', 'pod/stranger', 'pod/like-a-processor', '--for=condition=Ready', '--timeout=300s')
  const connect = `const { connect } = require('node:net')
    const socket = connect(6379, 'redis', () => { console.log('connected'); process.exit() })
    socket.on('error', ({ code }) => { console.log(code); process.exit() })
    setTimeout(() => { console.log('no answer'); process.exit() }, 10000)`
  expect((await inPod('like-a-processor', 'like-a-processor', connect)).trim()).toBe('connected')
  expect((await inPod('stranger', 'stranger', connect)).trim()).toMatch(/^(ECONNREFUSED|no answer)$/)
})

it('the WorkflowAccessPolicy refuses the sidecar of another app', async () => {
  const annotations = {
    ...{ 'dapr.io/enabled': 'true', 'dapr.io/app-id': 'other', 'dapr.io/enable-native-sidecar': 'true' },
    'dapr.io/sidecar-image': 'ghcr.io/dapr/daprd:1.18.7',
    'dapr.io/sidecar-seccomp-profile-type': 'RuntimeDefault',
    'dapr.io/disable-builtin-k8s-secret-store': 'true',
  }
  // With the label of processors, so that the network policies let its sidecar through.
  await cluster.apply(idlePod('other', PROCESSOR, annotations))
  await inWindrow('wait', 'pod/other', '--for=condition=Ready', '--timeout=300s')
  const actor = 'dapr.internal.windrow.windrow.workflow'
  const url = `http://127.0.0.1:3500/v1.0/actors/${actor}/forged/method/AddWorkflowEvent`
  const answer = await inPod(
    ...(['other', 'other'] as const),
    `fetch('${url}', { method: 'POST', body: '' }).then(async (one) => console.log(one.status, await one.text()))`,
  )
  expect(answer).toContain('access denied by workflow access policy')
})

const SCRAPE = `fetch('http://127.0.0.1:9464/metrics').then(async (one) => console.log(await one.text()))`

/** The partitions that each processor says it owns, by its metrics; `null` while one of them is ending. */
async function owned(): Promise<number[][] | null> {
  const selector = 'app.kubernetes.io/component=processor,app.kubernetes.io/name=windrow'
  const { items } = await cluster.json<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>(
    ...['get', 'pods', '--namespace=windrow', `--selector=${selector}`],
  )
  if (items.some(({ metadata }) => metadata.deletionTimestamp !== undefined)) return null
  const exec = items.map(({ metadata }) => {
    const args = ['--namespace=windrow', 'exec', metadata.name, '--container=processor', '--', 'node', '-e', SCRAPE]
    return cluster.tryKubectl(...args)
  })
  const scraped = await Promise.all(exec)
  if (scraped.some(({ code }) => code !== 0)) return null
  return scraped.map(({ stdout }) => {
    const series = stdout.toString().matchAll(/^windrow_windows_open\{[^}]*windrow_partition="(\d+)"/gm)
    return [...series].map(([, partition]) => Number(partition))
  })
}

async function untilReplicas(replicas: number): Promise<void> {
  await cluster.until(`the processors are ${replicas}`, async () => {
    const { spec, status } = await cluster.json<{
      spec: { replicas: number }
      status: { replicas: number; readyReplicas?: number }
    }>('get', 'deployment/processor', '--namespace=windrow')
    return spec.replicas === replicas && status.replicas === replicas && status.readyReplicas === replicas
  })
  await cluster.until(`${replicas} processors share all partitions`, async () => {
    const all = await owned()
    if (all === null) return false
    const partitions = all.flat().toSorted((a, b) => a - b)
    const isShared = all.length === replicas && all.every((some) => some.length === PARTITIONS / replicas)
    return isShared && partitions.join() === [...Array(PARTITIONS).keys()].join()
  })
}

it('KEDA scales the processors from two to four and back, on the lag of the last hour of the day', async () => {
  // The gateways and four processors request more than this suite's smallest machine has.
  await inWindrow('set', 'resources', 'deployment/gateway', '--requests=cpu=10m')
  await rollout('deployment/gateway')
  await installKeda(cluster)
  await cluster.until('KEDA reads no lag from Kafka', async () => (await lagSeenByKeda(cluster)) === 0)
  await untilReplicas(2)

  // Without their manifests the windows stay open, and their points uncommitted.
  await produce('last-points', day.lastPoints)
  await untilProduced('last-points')
  const lag = day.lastPoints.length
  await cluster.until('KEDA reads the exact lag', async () => (await lagSeenByKeda(cluster)) === lag)
  await scaleSoon(cluster, Math.ceil(lag / 4))
  await untilReplicas(4)

  await produce('last-manifests', day.lastManifests)
  await expectPublished(exact)
  await untilReplicas(2)
  // Without metrics-server the gateways are as many as their minimum.
  const gateway = await cluster.json<{ spec: { replicas: number } }>('get', 'deployment/gateway', '--namespace=windrow')
  expect(gateway.spec.replicas).toBe(2)
})

it('status, from a processor, shows every partition at the end of its log', async () => {
  const exec = ['exec', 'deployment/processor', '--container=processor', '--', 'node', '/windrow/dist/cli/main.js']
  const { partitions, counts } = JSON.parse(await inWindrow(...exec, 'status', '--json')) as JobStatus
  expect(partitions.map(({ lag, open, halted }) => ({ lag, open: open.length, halted }))).toEqual(
    Array.from({ length: PARTITIONS }, () => ({ lag: 0, open: 0, halted: null })),
  )
  expect(counts.consumed).toBe(day.hours.length + day.lastPoints.length + day.lastManifests.length)
})

it('verify finds no difference in the whole day', async () => {
  await cluster.apply(idlePod('client', KAFKA_CLIENT))
  await inWindrow('wait', 'pod/client', '--for=condition=Ready', '--timeout=300s')
  const args = ['--brokers', 'kafka:9092', '--topic', 'vm-telemetry', '--job', 'windrow', '--window', '1h', '--json']
  const exec = ['exec', 'pod/client', '--', 'node', '/windrow/dist/cli/main.js', 'verify', ...args]
  const { differenceCount, compared } = JSON.parse(await inWindrow(...exec)) as VerifyReport
  expect({ differenceCount, vmWindows: compared.vmWindows }).toEqual({
    differenceCount: 0,
    vmWindows: { compared: exact.size, equal: exact.size, different: 0 },
  })
})
