/**
 * Rules for every manifest, in addition to schema validity. Each rule reports the problem and its place; the tests break
 * each of them. Sidecars are not in the manifests, since Dapr's injector adds them, so the rules check their annotations.
 */
import type { Container, Manifest, Pod } from './manifest.ts'

export interface Violation {
  readonly rule: string
  readonly where: string
  readonly problem: string
}

interface Workload {
  readonly where: string
  readonly manifest: Manifest
  readonly pod: Pod
  readonly annotations: Readonly<Record<string, string>>
}

type Say = (where: string, problem: string) => void

export const RULES: Readonly<Record<string, (manifests: readonly Manifest[], say: Say) => void>> = {
  'restricted-namespace': (manifests, say) => {
    for (const { metadata } of manifests.filter(({ kind }) => kind === 'Namespace')) {
      const level = metadata.labels?.['pod-security.kubernetes.io/enforce']
      if (level !== 'restricted')
        say(`Namespace ${metadata.name}`, `enforces ${level ?? 'no level'} and not restricted`)
    }
  },
  'pod-security': eachWorkload(({ where, pod }, say) => {
    const { securityContext: context = {} } = pod
    if (context.runAsNonRoot !== true) say(where, 'may run as root')
    if (!((context.runAsUser ?? 0) > 0)) say(where, 'has no user id, so an image with a user name cannot be checked')
    if (context.seccompProfile?.type !== 'RuntimeDefault') say(where, 'has no seccomp profile RuntimeDefault')
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) if (pod[field]) say(where, `uses ${field}`)
    for (const volume of pod.volumes ?? []) if (volume.hostPath) say(where, `mounts the host's ${volume.hostPath.path}`)
    for (const volume of pod.volumes ?? [])
      if (volume.emptyDir && volume.emptyDir.sizeLimit === undefined)
        say(where, `volume ${volume.name} has no size limit`)
  }),
  'container-security': eachContainer((where, { securityContext: context = {} }, say) => {
    if (context.allowPrivilegeEscalation !== false) say(where, 'may escalate privileges')
    if (context.privileged) say(where, 'is privileged')
    if (context.readOnlyRootFilesystem !== true) say(where, 'may write to its root file system')
    if (!(context.capabilities?.drop ?? []).includes('ALL')) say(where, 'does not drop all capabilities')
    if ((context.capabilities?.add ?? []).length > 0) say(where, 'adds capabilities')
  }),
  'resource-limits': eachContainer((where, { resources = {} }, say) => {
    for (const part of ['requests', 'limits'] as const)
      for (const what of ['cpu', 'memory'])
        if (resources[part]?.[what] === undefined) say(where, `has no ${what} in ${part}`)
  }),
  'pinned-image': eachContainer((where, { image }, say) => {
    if (!isPinned(image)) say(where, `the image ${image} is neither of a full version nor of a digest`)
  }),
  probes: eachContainer((where, container, say) => {
    // A Job is not ready for anything; its end says whether it worked.
    if (where.startsWith('Job ')) return
    for (const probe of ['readinessProbe', 'livenessProbe'] as const)
      if (!container[probe]) say(where, `has no ${probe}`)
  }),
  'no-api-token': eachWorkload(({ where, pod }, say) => {
    if (pod.automountServiceAccountToken !== false) say(where, 'gets a token for the API server')
  }),
  'termination-grace': eachWorkload(({ where, pod, annotations }, say) => {
    // Time to drain, to leave the group and to stop the sidecar: see processor.yaml.
    const needed = annotations['dapr.io/enabled'] === 'true' ? 30 : 1
    if (!((pod.terminationGracePeriodSeconds ?? 0) >= needed)) say(where, `gives less than ${needed} s to end`)
  }),
  sidecar: eachWorkload(({ where, annotations }, say) => {
    if (annotations['dapr.io/enabled'] !== 'true') return
    const image = annotations['dapr.io/sidecar-image'] ?? ''
    if (!isPinned(image)) say(where, `the sidecar's image ${image} is neither of a full version nor of a digest`)
    for (const [name, value] of Object.entries(SIDECAR))
      if (value === null ? !annotations[name] : annotations[name] !== value)
        say(where, `${name} is ${annotations[name] ?? 'missing'}${value === null ? '' : `, not ${value}`}`)
  }),
  'default-deny': (manifests, say) => {
    const denies = manifests.filter(
      ({ kind, spec }) =>
        kind === 'NetworkPolicy' &&
        Object.keys(spec?.podSelector ?? {}).length === 0 &&
        ['Ingress', 'Egress'].every((type) => spec?.policyTypes?.includes(type)) &&
        spec?.ingress === undefined &&
        spec?.egress === undefined,
    )
    for (const { where, manifest } of workloads(manifests))
      if (!denies.some(({ metadata }) => metadata.namespace === manifest.metadata.namespace))
        say(where, 'runs in a namespace without a default-deny network policy')
  },
  'open-network': (manifests, say) => {
    for (const { metadata, spec } of manifests.filter(({ kind }) => kind === 'NetworkPolicy'))
      for (const { ports, from, to } of [...(spec?.ingress ?? []), ...(spec?.egress ?? [])]) {
        const peers = from ?? to ?? []
        if (peers.length === 0) say(`NetworkPolicy ${metadata.name}`, 'has a rule that admits every peer')
        if ((ports ?? []).length === 0) say(`NetworkPolicy ${metadata.name}`, 'has a rule for every port')
      }
  },
  disruption: (manifests, say) => {
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')
    for (const { where, manifest, pod } of workloads(manifests).filter(
      ({ manifest }) => manifest.kind === 'Deployment',
    )) {
      const labels = manifest.spec?.template?.metadata.labels ?? {}
      if (!budgets.some(({ spec }) => matches(spec?.selector?.matchLabels ?? {}, labels)))
        say(where, 'has no disruption budget')
      const keys = (pod.topologySpreadConstraints ?? []).map((one) => one.topologyKey)
      for (const key of ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'])
        if (!keys.includes(key)) say(where, `is not spread over ${key}`)
    }
  },
  monitored: (manifests, say) => {
    const monitors = manifests.filter(({ kind }) => kind === 'PodMonitor')
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
    for (const { where, manifest, pod } of workloads(manifests).filter(isOwn)) {
      const labels = manifest.spec?.template?.metadata.labels ?? {}
      const ports = pod.containers.flatMap((container) => container.ports ?? [])
      const port = ports.find(({ name }) => name === 'metrics')?.containerPort
      if (port === undefined) say(where, 'has no port metrics')
      const isScraped = monitors.some(
        ({ spec }) =>
          matches(spec?.selector?.matchLabels ?? {}, labels) &&
          spec?.podMetricsEndpoints?.some((endpoint) => endpoint.port === 'metrics'),
      )
      if (!isScraped) say(where, 'has no monitor for its port metrics')
      const isReached = policies.some(
        ({ spec }) =>
          matches(spec?.podSelector?.matchLabels ?? {}, labels) &&
          spec?.ingress?.some(
            ({ from, ports: open }) =>
              JSON.stringify(from).includes('"kubernetes.io/metadata.name":"monitoring"') &&
              open?.some((one) => one.port === port),
          ),
      )
      if (!isReached) say(where, 'cannot be reached by Prometheus')
    }
  },
  'capped-scaling': (manifests, say) => {
    for (const { metadata, spec } of manifests.filter(({ kind }) => kind === 'ScaledObject')) {
      const where = `ScaledObject ${metadata.name}`
      if (!((spec?.maxReplicaCount ?? 0) >= (spec?.minReplicaCount ?? 1)))
        say(where, 'has no upper bound above its lower one')
      for (const { type, metadata: trigger } of spec?.triggers ?? [])
        if (type === 'kafka' && trigger.allowIdleConsumers !== 'false')
          say(where, 'may have more replicas than partitions')
    }
  },
  'no-secrets': (manifests, say) => {
    for (const { kind, metadata, spec, data } of manifests) {
      const where = `${kind} ${metadata.name}`
      if (kind === 'Secret') say(where, 'is a Secret in a manifest')
      if (kind === 'Component')
        for (const { name, value } of spec?.metadata ?? [])
          if (isSecretive(name) && value !== undefined) say(where, `${name} is given in clear`)
      if (kind === 'ConfigMap' && /(password|secret|token)\s*[:=]\s*\S/i.test(JSON.stringify(data)))
        say(where, 'seems to hold a secret')
    }
    for (const { where, pod } of workloads(manifests))
      for (const { env = [] } of containersOf(pod))
        for (const { name, value } of env)
          if (isSecretive(name) && value !== undefined) say(where, `the variable ${name} is given in clear`)
  },
}

/** Required annotations of a sidecar, in addition to its image; `null` requires any value. */
const SIDECAR: Readonly<Record<string, string | null>> = {
  'dapr.io/app-id': null,
  'dapr.io/config': null,
  'dapr.io/enable-native-sidecar': 'true',
  'dapr.io/sidecar-seccomp-profile-type': 'RuntimeDefault',
  'dapr.io/sidecar-listen-addresses': '127.0.0.1',
  'dapr.io/disable-builtin-k8s-secret-store': 'true',
  'dapr.io/sidecar-cpu-request': null,
  'dapr.io/sidecar-cpu-limit': null,
  'dapr.io/sidecar-memory-request': null,
  'dapr.io/sidecar-memory-limit': null,
}

export function violations(manifests: readonly Manifest[]): Violation[] {
  return Object.entries(RULES).flatMap(([rule, check]) => {
    const found: Violation[] = []
    check(manifests, (where, problem) => found.push({ rule, where, problem }))
    return found
  })
}

function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap((manifest) => {
    const { kind, metadata, spec } = manifest
    if (spec?.template === undefined) return []
    const { metadata: labelled, spec: pod } = spec.template
    return [{ where: `${kind} ${metadata.name}`, manifest, pod, annotations: labelled.annotations ?? {} }]
  })
}

/** Windrow's own workload, not a broker or store of an overlay. */
const isOwn = ({ manifest }: Workload): boolean => manifest.metadata.labels?.['app.kubernetes.io/name'] === 'windrow'

function eachWorkload(check: (workload: Workload, say: Say) => void) {
  return (manifests: readonly Manifest[], say: Say) => workloads(manifests).forEach((one) => check(one, say))
}

function eachContainer(check: (where: string, container: Container, say: Say) => void) {
  return eachWorkload(({ where, pod }, say) => {
    for (const container of containersOf(pod)) check(`${where}, container ${container.name}`, container, say)
  })
}

const containersOf = (pod: Pod): Container[] => [...(pod.initContainers ?? []), ...pod.containers]

/** A registry may have a port; what follows the last colon after the last slash is the tag. */
function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image) || /:v?\d+\.\d+\.\d+[^/:]*$/.test(image)
}

const isSecretive = (name: string): boolean => /password|secret|token|accesskey|masterkey|apikey/i.test(name)

const matches = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)
