/** Writes a sizing as a kustomize component for an overlay: requests, limits, replicas, lag threshold and partitions. */
import { durationText } from '../../core/durations.ts'
import type { Sizing } from './model.ts'

/** The text of `size/kustomization.yaml`. It names `command`, which writes the file again. */
export function overlayText(sizing: Sizing, command: string): string {
  const { demand, partitions, processors, processor, sidecar, lagThreshold } = sizing
  const memoryMib = roundUp(processor.memoryBytes / 2 ** 20, 64)
  const cpu = milli(processor.cores / 0.6)
  return `# Written by \`${command}\`; changes here are overwritten.
# For windows of ${durationText(demand.windowMs)} and a grace of ${durationText(demand.graceMs)}, which must match windrow.yaml.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: processor
      spec:
        template:
          metadata:
            annotations:
              dapr.io/sidecar-cpu-request: ${milli(sidecar.cores * 1.25)}
              dapr.io/sidecar-memory-request: ${roundUp(sidecar.memoryBytes / 2 ** 20, 64)}Mi
              dapr.io/sidecar-memory-limit: ${roundUp((2 * sidecar.memoryBytes) / 2 ** 20, 64)}Mi
          spec:
            containers:
              - name: processor
                env:
                  - name: NODE_OPTIONS
                    value: --max-old-space-size=${Math.floor(memoryMib * 0.75)}
                  - name: WINDROW_VMS_PER_WORKFLOW
                    value: '${demand.vmsPerWorkflow}'
                  - name: WINDROW_CHECKPOINT_EVERY
                    value: '${demand.checkpointEvery}'
                resources:
                  requests:
                    cpu: ${cpu}
                    memory: ${memoryMib}Mi
                  limits:
                    memory: ${memoryMib}Mi
  - target:
      kind: ScaledObject
      name: processor
    patch: |-
      - op: replace
        path: /spec/minReplicaCount
        value: ${processors}
      - op: replace
        path: /spec/maxReplicaCount
        value: ${partitions}
      - op: replace
        path: /spec/triggers/0/metadata/lagThreshold
        value: '${lagThreshold}'
  # Only used when the topic is created: an existing topic keeps its number of partitions, and a job is bound to it.
  - target:
      kind: KafkaTopic
      name: vm-telemetry
    patch: |-
      - op: replace
        path: /spec/partitions
        value: ${partitions}
`
}

/** Kubernetes' thousandths of a core, at least a tenth of one. */
function milli(cores: number): string {
  return `${Math.max(100, roundUp(cores * 1000, 50))}m`
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
