/** KEDA on the cluster of a test, as KEDA's own kustomization installs it, and what it sees and decides. */
import { parseAllDocuments } from 'yaml'
import { kustomize } from '../../k8s/manifests.ts'
import { KEDA_VERSION, kedaKustomization } from '../builds.ts'
import type { Cluster } from './cluster.ts'

const CERTIFICATES = 'kedaorg-certs'
const METRICS_API = 'v1beta1.external.metrics.k8s.io'
const METRICS_SERVER = 'keda-metrics-apiserver'

interface Installed {
  readonly kind: string
  readonly metadata: { readonly name: string }
}

export async function installKeda(cluster: Cluster): Promise<void> {
  // The kustomization names the images of the branch, from which kubelet would always pull.
  const text = (await kustomize(kedaKustomization()))
    .replaceAll(/(image: ghcr\.io\/kedacore\/\S+):main/g, `$1:${KEDA_VERSION}`)
    .replaceAll('imagePullPolicy: Always', 'imagePullPolicy: IfNotPresent')
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Installed)
  const isLast = ({ kind, metadata }: Installed): boolean => kind === 'Deployment' && metadata.name === METRICS_SERVER
  await cluster.apply(...objects.filter((one) => !isLast(one)))
  // Its pod does not start without the secret, which the operator creates, and kubelet tries again ever more rarely.
  await cluster.until(
    'the operator has created the certificates',
    async () => (await cluster.tryKubectl('--namespace=keda', 'get', 'secret', CERTIFICATES)).code === 0,
  )
  await cluster.apply(...objects.filter(isLast))
  for (const name of ['keda-operator', METRICS_SERVER])
    await cluster.kubectl('--namespace=keda', 'rollout', 'status', `deployment/${name}`, '--timeout=300s')
  await cluster.kubectl('wait', `apiservice/${METRICS_API}`, '--for=condition=Available', '--timeout=300s')
}

/** The lag that KEDA reads from Kafka for the processors; `null` while it reads none. */
export async function lagSeenByKeda(cluster: Cluster): Promise<number | null> {
  const selector = encodeURIComponent('scaledobject.keda.sh/name=processor')
  const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/windrow/s0-kafka-vm-telemetry?labelSelector=${selector}`
  const { code, stdout } = await cluster.tryKubectl('get', '--raw', path)
  if (code !== 0) return null
  const { items } = JSON.parse(stdout.toString()) as { items: readonly { readonly value: string }[] }
  return items[0] === undefined ? null : Number(items[0].value)
}

/**
 * Sets the lag per processor, and lets the autoscaler remove a processor every 15 seconds at once, where the overlay waits for
 * 15 minutes. How it adds processors stays as it is.
 */
export async function scaleSoon(cluster: Cluster, lagThreshold: number): Promise<void> {
  const scaleDown = { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] }
  const patch = [
    { op: 'replace', path: '/spec/triggers/0/metadata/lagThreshold', value: String(lagThreshold) },
    { op: 'replace', path: '/spec/advanced/horizontalPodAutoscalerConfig/behavior/scaleDown', value: scaleDown },
  ]
  const args = ['patch', 'scaledobject', 'processor', '--type=json', `--patch=${JSON.stringify(patch)}`]
  await cluster.kubectl('--namespace=windrow', ...args)
}
