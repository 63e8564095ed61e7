/** What the suite adds to the overlay: volumes of the node, and a Job that produces the points. */
import { join } from 'node:path'

const NAMESPACE = 'windrow'

/** A volume in a folder of the node for each claim. Unlike `hostPath`, `local` observes fsGroup. */
export function volumes(folder: string): object[] {
  const claims = { kafka: 'data-kafka-0', redis: 'data-redis-0', points: 'points' }
  return Object.entries(claims).map(([name, claim]) => ({
    ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name } },
    spec: {
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      claimRef: { namespace: NAMESPACE, name: claim },
      local: { path: join(folder, name) },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node1'] }] },
          ],
        },
      },
    },
  }))
}

export const pointsVolume = (): object => ({
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'points', namespace: NAMESPACE } },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
})

/** DNS is on the node and not in the pods that the overlay's policy names, so one more policy allows it. */
export const nodeDns = (address: string): object => ({
  ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  metadata: { name: 'node-dns', namespace: NAMESPACE },
  spec: {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr: `${address}/32` } }], ports: [{ protocol: 'UDP', port: 53 }] }],
  },
})

/** A pod that does nothing, for commands that a test runs inside. */
export function idlePod(name: string, labels: object = {}, annotations: object = {}): object {
  const { container, pod } = restricted(['node', '-e', 'setInterval(() => undefined, 1e6)'])
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name, namespace: NAMESPACE, labels, annotations },
    spec: { ...pod, containers: [{ ...container, name }] },
  }
}

/** Labels of pods that the network policies let through to Kafka. */
export const KAFKA_CLIENT = { 'app.kubernetes.io/part-of': 'windrow', 'app.kubernetes.io/component': 'topic' }

/** Writes a file of the volume to the topic, from a pod that the namespace admits. */
export function produceJob(name: string, file: string): object {
  const args = ['produce', '--brokers', 'kafka:9092', '--topic', 'vm-telemetry', '--input', `/points/${file}`]
  const { container, pod } = restricted(['node', '/windrow/dist/cli/main.js', ...args])
  const mounts = [...container.volumeMounts, { name: 'points', mountPath: '/points' }]
  const volume = { name: 'points', persistentVolumeClaim: { claimName: 'points' } }
  const spec = {
    ...pod,
    containers: [{ ...container, name: 'produce', volumeMounts: mounts }],
    volumes: [...pod.volumes, volume],
  }
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: NAMESPACE } },
    spec: { backoffLimit: 2, template: { metadata: { labels: KAFKA_CLIENT }, spec } },
  }
}

/** A container of Windrow's image and the rest of its pod, as the namespace's pod security standard requires them. */
function restricted(command: readonly string[]) {
  const container = {
    ...{ image: 'windrow:0.1.0', command },
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
  const pod = {
    ...{ restartPolicy: 'Never', automountServiceAccountToken: false, enableServiceLinks: false },
    terminationGracePeriodSeconds: 1,
    securityContext: {
      ...{ runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: { type: 'RuntimeDefault' } },
    },
    volumes: [{ name: 'tmp', emptyDir: {} }],
  }
  return { container, pod }
}
