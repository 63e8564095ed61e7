/** Types for the parts of manifests that the tests read. Schema validation ensures that manifests have these types. */
export interface Manifest {
  kind: string
  metadata: Metadata
  spec?: Spec
  data?: Record<string, string>
}

export interface Metadata {
  name: string
  namespace?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface Spec {
  // Deployment, StatefulSet
  replicas?: number
  template?: { metadata: Metadata; spec: Pod }
  volumeClaimTemplates?: { metadata: Metadata }[]
  // NetworkPolicy
  podSelector?: Selector
  policyTypes?: string[]
  ingress?: NetworkRule[]
  egress?: NetworkRule[]
  // PodDisruptionBudget
  selector?: Selector
  // KafkaTopic
  partitions?: number
  // ScaledObject
  minReplicaCount?: number
  maxReplicaCount?: number
  triggers?: { type: string; metadata: Record<string, string | undefined> }[]
  // Component
  type?: string
  version?: string
  metadata?: { name: string; value?: unknown }[]
  // Configuration, Resiliency and others of Dapr
  workflow?: unknown
  // PodMonitor, ServiceMonitor
  podMetricsEndpoints?: { port?: string }[]
}

export interface Selector {
  matchLabels?: Record<string, string>
}

export interface NetworkRule {
  from?: object[]
  to?: object[]
  ports?: { port: number }[]
}

export interface Pod {
  containers: Container[]
  initContainers?: Container[]
  volumes?: { name: string; emptyDir?: { sizeLimit?: string }; hostPath?: { path: string } }[]
  automountServiceAccountToken?: boolean
  terminationGracePeriodSeconds?: number
  topologySpreadConstraints?: { topologyKey: string }[]
  hostNetwork?: boolean
  hostPID?: boolean
  hostIPC?: boolean
  securityContext?: { runAsNonRoot?: boolean; runAsUser?: number; seccompProfile?: { type: string } }
}

export interface Container {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string }[]
  ports?: { name: string; containerPort: number }[]
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  readinessProbe?: object
  livenessProbe?: object
  securityContext?: {
    allowPrivilegeEscalation?: boolean
    privileged?: boolean
    readOnlyRootFilesystem?: boolean
    capabilities?: { drop?: string[]; add?: string[] }
  }
}
