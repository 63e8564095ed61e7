/**
 * The overlay `local` on a real cluster with one node: Dapr by its chart, the image from the unchanged Dockerfile, and a day of
 * points that a pod produces. The results are exact although the processors are replaced and evicted in the middle.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { VerifyReport } from '../../../src/verify/report.ts'
import { output } from '../../containers/commands.ts'
import { buildText } from '../../k8s/manifests.ts'
import {
  decodeResults,
  exactOf,
  expectExact,
  LENGTH_AND_VALUE,
  splitValues,
  type Exact,
} from '../../stack/run-support.ts'
import { samplePoints } from '../../support/sample-points.ts'
import { daprChart, helm, kubeRouter, nodePrograms, resourceDefinitions } from '../builds.ts'
import { Cluster } from './cluster.ts'
import { nodeImages } from './images.ts'
import { NODE_ADDRESS } from './control-plane.ts'
import { idlePod, nodeDns, pointsVolume, produceJob, volumes } from './manifests.ts'

const BROKERS = 'kafka.windrow.svc:9092'
const WINDOW_MS = 3_600_000
const VMS = 60
/** An hour per window, as the overlay's settings say. */
const text = samplePoints({
  ...{ vms: Array.from({ length: VMS }, (_, index) => `vm-${index}`), windows: 24, pointsPerWindow: 12 },
  windowMs: WINDOW_MS,
})
const exact: ReadonlyMap<string, Exact> = exactOf(text.trimEnd().split('\n'), WINDOW_MS)

let folder: string
let cluster: Cluster
const SETTINGS = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops']
const machineSettings = (): string[] => SETTINGS.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8').trim())
let before: string[]

beforeAll(async () => {
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
    ...['global.tag=1.18.2', 'dapr_scheduler.cluster.inMemoryStorage=true'],
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

it('a day that a pod produces gives exact results, through a rolling update and an eviction', async () => {
  writeFileSync(join(cluster.folder, 'volumes/points/points.ndjson'), text)
  await cluster.apply(pointsVolume(), produceJob())
  await cluster.until('the first results are published', async () => (await published('windrow-results')).length > 0)
  expect((await published('windrow-results')).length, 'the update begins in the middle').toBeLessThan(exact.size)
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

  await inWindrow('wait', 'job/produce', '--for=condition=Complete', '--timeout=300s')
  await cluster.until(
    'all windows are published',
    async () => (await published('windrow-results')).length >= exact.size,
  )
  expectExact(await decodeResults(await published('windrow-results')), exact)
  expect(await published('windrow-dead-letters')).toEqual([])
})

it('verify finds no difference, and status shows every partition', async () => {
  const exec = ['exec', 'deployment/processor', '--container=processor', '--', 'node', '/windrow/dist/cli/main.js']
  const { differenceCount, compared } = JSON.parse(await inWindrow(...exec, 'verify', '--json')) as VerifyReport
  expect({ differenceCount, vmWindows: compared.vmWindows }).toEqual({
    differenceCount: 0,
    vmWindows: { compared: exact.size, equal: exact.size, different: 0 },
  })
})

it('every processor has the injected sidecar as a native one', async () => {
  const pods = await cluster.json<{
    items: { spec: { initContainers: { name: string; restartPolicy?: string }[] } }[]
  }>(...['get', 'pods', '--namespace=windrow', '--selector=app.kubernetes.io/component=processor'])
  const sidecars = pods.items.map(({ spec }) =>
    spec.initContainers.map(({ name, restartPolicy }) => [name, restartPolicy]),
  )
  expect(sidecars).toEqual([[['daprd', 'Always']], [['daprd', 'Always']]])
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
