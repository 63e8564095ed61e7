/** The manifests follow every rule of policy.ts, and every rule detects its violation. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Container, Manifest, Pod, Spec } from './manifest.ts'
import { build, find, OVERLAYS, type Overlay } from './manifests.ts'
import { RULES, violations } from './policy.ts'

const built = new Map<Overlay, Manifest[]>()
beforeAll(async () => {
  for (const overlay of OVERLAYS) built.set(overlay, await build(overlay))
})

it.each(OVERLAYS)('the overlay %s follows every rule', (overlay) => {
  expect(violations(built.get(overlay) ?? [])).toEqual([])
})

const spec = (manifests: readonly Manifest[], kind: string, name?: string): Spec => {
  const found = find(manifests, kind, name).spec
  if (found === undefined) throw new Error(`${kind} has no spec`)
  return found
}
const processor = (manifests: readonly Manifest[]): NonNullable<Spec['template']> => {
  const { template } = spec(manifests, 'Deployment', 'processor')
  if (template === undefined) throw new Error('the processor has no pods')
  return template
}
const pod = (manifests: readonly Manifest[]): Pod => processor(manifests).spec
const annotations = (manifests: readonly Manifest[]) => processor(manifests).metadata.annotations ?? {}
const container = (manifests: readonly Manifest[]): Container => pod(manifests).containers[0] as Container
const context = (manifests: readonly Manifest[]) => container(manifests).securityContext ?? {}
const policy = (manifests: readonly Manifest[], name: string): Spec => spec(manifests, 'NetworkPolicy', name)
const trigger = (manifests: readonly Manifest[]) =>
  spec(manifests, 'ScaledObject', 'processor').triggers?.[0]?.metadata ?? {}
const drop = (manifests: Manifest[], kind: string): void => {
  manifests.splice(0, manifests.length, ...manifests.filter((one) => one.kind !== kind))
}

/** One or more violations of each rule. */
const BREAKERS: readonly [rule: string, how: string, spoil: (manifests: Manifest[]) => unknown][] = [
  [
    'restricted-namespace',
    'baseline',
    (m) => (find(m, 'Namespace').metadata.labels = { 'pod-security.kubernetes.io/enforce': 'baseline' }),
  ],
  ['pod-security', 'root', (m) => delete pod(m).securityContext?.runAsNonRoot],
  ['pod-security', 'user 0', (m) => Object.assign(pod(m).securityContext ?? {}, { runAsUser: 0 })],
  ['pod-security', 'no seccomp', (m) => delete pod(m).securityContext?.seccompProfile],
  ['pod-security', 'the host network', (m) => (pod(m).hostNetwork = true)],
  ['pod-security', 'a host path', (m) => pod(m).volumes?.push({ name: 'host', hostPath: { path: '/' } })],
  ['pod-security', 'a volume without a bound', (m) => pod(m).volumes?.push({ name: 'any', emptyDir: {} })],
  ['container-security', 'escalation', (m) => delete context(m).allowPrivilegeEscalation],
  ['container-security', 'a writable root', (m) => (context(m).readOnlyRootFilesystem = false)],
  ['container-security', 'capabilities', (m) => (context(m).capabilities = { drop: ['NET_RAW'] })],
  [
    'container-security',
    'an added capability',
    (m) => (context(m).capabilities = { drop: ['ALL'], add: ['SYS_TIME'] }),
  ],
  ['container-security', 'privileged', (m) => (context(m).privileged = true)],
  [
    'container-security',
    'an init container',
    (m) => (pod(m).initContainers = [{ ...container(m), securityContext: {} }]),
  ],
  ['resource-limits', 'no memory limit', (m) => delete container(m).resources?.limits?.['memory']],
  ['resource-limits', 'nothing', (m) => delete container(m).resources],
  ['pinned-image', 'latest', (m) => (container(m).image = 'windrow:latest')],
  ['pinned-image', 'no tag', (m) => (container(m).image = 'registry:5000/windrow')],
  ['pinned-image', 'a major version', (m) => (container(m).image = 'windrow:1')],
  ['probes', 'no readiness', (m) => delete container(m).readinessProbe],
  ['probes', 'no liveness', (m) => delete container(m).livenessProbe],
  ['no-api-token', 'the default', (m) => delete pod(m).automountServiceAccountToken],
  ['termination-grace', 'shorter than the drain', (m) => (pod(m).terminationGracePeriodSeconds = 10)],
  ['termination-grace', 'the default, which is not explicit', (m) => delete pod(m).terminationGracePeriodSeconds],
  ['sidecar', 'a mutable image', (m) => (annotations(m)['dapr.io/sidecar-image'] = 'daprio/daprd:edge')],
  ['sidecar', 'the image of the control plane', (m) => delete annotations(m)['dapr.io/sidecar-image']],
  ['sidecar', 'no seccomp', (m) => delete annotations(m)['dapr.io/sidecar-seccomp-profile-type']],
  ['sidecar', 'no memory limit', (m) => delete annotations(m)['dapr.io/sidecar-memory-limit']],
  ['sidecar', 'gone before the processor', (m) => delete annotations(m)['dapr.io/enable-native-sidecar']],
  ['sidecar', 'an API for the whole network', (m) => (annotations(m)['dapr.io/sidecar-listen-addresses'] = '0.0.0.0')],
  ['default-deny', 'no policy', (m) => (policy(m, 'default-deny').podSelector = { matchLabels: { a: 'b' } })],
  ['default-deny', 'open to the outside', (m) => (policy(m, 'default-deny').policyTypes = ['Ingress'])],
  ['open-network', 'everybody', (m) => delete policy(m, 'dns').egress?.[0]?.to],
  ['open-network', 'every port', (m) => delete policy(m, 'sidecars').ingress?.[0]?.ports],
  ['disruption', 'no budget', (m) => drop(m, 'PodDisruptionBudget')],
  ['disruption', 'one node', (m) => delete pod(m).topologySpreadConstraints],
  ['monitored', 'no port', (m) => (container(m).ports = [])],
  ['monitored', 'no monitors', (m) => drop(m, 'PodMonitor')],
  ['monitored', 'a monitor of another port', (m) => (spec(m, 'PodMonitor', 'gateway').podMetricsEndpoints = [])],
  ['monitored', 'Prometheus kept out', (m) => delete policy(m, 'gateway-monitoring').ingress],
  ['capped-scaling', 'idle consumers', (m) => (trigger(m)['allowIdleConsumers'] = 'true')],
  ['capped-scaling', 'no bound', (m) => delete spec(m, 'ScaledObject', 'processor').maxReplicaCount],
  ['no-secrets', 'a Secret', (m) => m.push({ kind: 'Secret', metadata: { name: 'x' }, data: {} })],
  [
    'no-secrets',
    'a password of a component',
    (m) => spec(m, 'Component').metadata?.push({ name: 'redisPassword', value: 'x' }),
  ],
  ['no-secrets', 'a variable', (m) => container(m).env?.push({ name: 'DAPR_API_TOKEN', value: 'x' })],
  ['no-secrets', 'a setting', (m) => (find(m, 'ConfigMap').data = { 'windrow.yaml': 'password: x' })],
]

describe('each rule detects', () => {
  it.each(BREAKERS)('%s: %s', (rule, _how, spoil) => {
    const manifests = structuredClone(built.get('local') ?? [])
    spoil(manifests)
    expect(new Set(violations(manifests).map((one) => one.rule))).toEqual(new Set([rule]))
  })

  it('every rule is broken by at least one case', () => {
    expect(new Set(BREAKERS.map(([rule]) => rule))).toEqual(new Set(Object.keys(RULES)))
  })
})
