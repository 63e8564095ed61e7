/**
 * The sizing model: computes the size of a deployment from its workload. It is pure arithmetic on the constants in
 * constants.ts. docs/operating/scale.md explains it with an example.
 */
import {
  BUFFER_BYTES,
  COSTS,
  JOBS_PER_INSTANCE,
  COMPONENTS,
  POINT_BYTES,
  PROCESS_BYTES,
  START_SECONDS,
  STORE,
  OPEN_VM_WINDOW,
  type MeasuredRun,
  type Component,
} from './constants.ts'

export interface Demand {
  readonly vms: number
  readonly pointsPerSecond: number
  readonly windowMs: number
  readonly graceMs: number
  /** All VM windows of a window come due at once; they are to be closed and published within this. */
  readonly closeWithinMs: number
  readonly vmsPerWorkflow: number
  readonly checkpointEvery: number
  readonly amendWindows: number
  /** How long Kafka keeps points. */
  readonly topicRetentionMs: number
  /** `null`: as many as the model finds right. */
  readonly partitions: number | null
}

/** CPU seconds by component. */
export type CpuByComponent = Readonly<Record<Component, number>>

export interface Limit {
  readonly name: string
  readonly value: number
  readonly limit: number
  readonly unit: string
  /** What to change once it is reached. */
  readonly change: string
}

export interface Sizing {
  readonly demand: Demand
  readonly partitions: number
  /** Processors, each with its sidecar. */
  readonly processors: number
  /** Cores, over the whole of a window. */
  readonly averageCores: CpuByComponent
  /** Cores while a window closes. */
  readonly peakCores: CpuByComponent
  /** Of one processor, and of its sidecar. */
  readonly processor: { readonly cores: number; readonly heapBytes: number; readonly memoryBytes: number }
  readonly sidecar: { readonly cores: number; readonly memoryBytes: number }
  readonly perSecond: {
    readonly vmWindows: number
    readonly instances: number
    readonly peakInstances: number
    readonly commits: number
    readonly storeCommands: number
    readonly peakStoreCommands: number
    readonly checkpointBytes: number
    /** Of checkpoints, and of workflows while a window closes. */
    readonly peakStoreBytes: number
    readonly schedulerJobs: number
    readonly peakSchedulerJobs: number
    readonly kafkaBytes: number
  }
  readonly stored: { readonly stateBytes: number; readonly instanceBytes: number; readonly topicBytes: number }
  /** Lag per processor, in records, above which KEDA adds a processor. */
  readonly lagThreshold: number
  /** Recovery time after ten minutes of standstill, in seconds. */
  readonly catchUpSeconds: number
  /** CPU time of all components per million points in steady state, in core seconds. */
  readonly coreSecondsPerMillionPoints: number
  /** The nearest to its limit first. */
  readonly limits: readonly Limit[]
}

/** A processor folds in one thread; the rest is for garbage collection and for catching up. */
const USABLE_CORES = 0.6
const MIN_PROCESSORS = 2
/** Each processor has as many to give away before more processors have none to get. */
const PARTITIONS_PER_PROCESSOR = 2
/** Beyond them one partition's takeover, or its commit, takes too long to be called short. */
const MAX_POINTS_PER_PARTITION = 20_000
const MAX_VMS_PER_PARTITION = 20_000
/** The largest number of partitions with which Windrow creates a topic. */
const MAX_PARTITIONS = 1024
/** Assumed, not measured: the capacity of one scheduler, of one Redis (one thread) and of a store's disk. */
const SCHEDULER_CORES = 4
const STORE_CORES = 0.8
const STORE_WRITE_BYTES = 100 * 2 ** 20
const BROKER_BYTES = 100 * 2 ** 20
const BROKERS = 3
const STANDSTILL_SECONDS = 600
/** Of a closed window, until it is forgotten: result row, state row, and its accumulators for `amendWindows` windows. */
const ROWS_PER_CLOSED = 2
/** Node's heap is to be three quarters of its container. */
const HEAP_SHARE = 0.75
const SIDECAR_BYTES = 256 * 2 ** 20

export function sizeOf(demand: Demand): Sizing {
  const windowSeconds = demand.windowMs / 1000
  const closeSeconds = Math.min(demand.closeWithinMs, demand.windowMs) / 1000
  const vmWindows = demand.vms / windowSeconds
  const peakVmWindows = demand.vms / closeSeconds

  const peakOfPoints = (COSTS.processor.perPointUs / 1e6) * demand.pointsPerSecond
  const peakOfClosing = peakVmWindows * perVmWindowSeconds('processor', demand.vmsPerWorkflow)
  const processors = Math.max(MIN_PROCESSORS, Math.ceil((peakOfPoints + peakOfClosing) / USABLE_CORES))
  const partitions = demand.partitions ?? partitionsFor(demand, processors)

  const checkpoints = demand.pointsPerSecond / demand.checkpointEvery
  const commits = partitions / windowSeconds + checkpoints
  const peakCommits = partitions / closeSeconds + checkpoints
  const rates = { points: demand.pointsPerSecond, vmsPerWorkflow: demand.vmsPerWorkflow }
  const averageCores = cores({ ...rates, vmWindows, commits })
  const peakCores = cores({ ...rates, vmWindows: peakVmWindows, commits: peakCommits })
  const instances = vmWindows / demand.vmsPerWorkflow
  const peakInstances = peakVmWindows / demand.vmsPerWorkflow

  // What one holds while another is gone: open windows, and the one that closes.
  const openWindows = 2 + Math.ceil(demand.graceMs / demand.windowMs)
  const vmsPerProcessor = (demand.vms / processors) * (processors / (processors - 1))
  const heapBytes =
    PROCESS_BYTES +
    vmsPerProcessor * openWindows * OPEN_VM_WINDOW.heapBytes +
    Math.ceil(partitions / (processors - 1)) * BUFFER_BYTES
  const checkpointBytes = checkpoints * (demand.vms / partitions) * OPEN_VM_WINDOW.rowBytes
  const storedRows = openWindows + ROWS_PER_CLOSED + demand.amendWindows
  const retentionSeconds = 300

  const sizing: Omit<Sizing, 'limits'> = {
    demand,
    partitions,
    processors,
    averageCores,
    peakCores,
    processor: { cores: peakCores.processor / processors, heapBytes, memoryBytes: heapBytes / HEAP_SHARE },
    sidecar: { cores: peakCores.sidecar / processors, memoryBytes: SIDECAR_BYTES },
    perSecond: {
      vmWindows,
      instances,
      peakInstances,
      commits,
      storeCommands: instances * STORE.commandsPerInstance + commits * STORE.commandsPerCommit,
      peakStoreCommands: peakInstances * STORE.commandsPerInstance + peakCommits * STORE.commandsPerCommit,
      checkpointBytes,
      peakStoreBytes: checkpointBytes + peakInstances * STORE.bytesWrittenPerInstance,
      schedulerJobs: instances * JOBS_PER_INSTANCE,
      peakSchedulerJobs: peakInstances * JOBS_PER_INSTANCE,
      kafkaBytes: demand.pointsPerSecond * POINT_BYTES,
    },
    stored: {
      stateBytes: demand.vms * storedRows * OPEN_VM_WINDOW.rowBytes,
      instanceBytes: peakInstances * Math.min(retentionSeconds, closeSeconds) * STORE.bytesPerInstance,
      topicBytes: demand.pointsPerSecond * POINT_BYTES * (demand.topicRetentionMs / 1000) * BROKERS,
    },
    lagThreshold: lagThreshold(demand, partitions, processors),
    catchUpSeconds: catchUpSeconds(averageCores.processor, processors),
    coreSecondsPerMillionPoints: (sum(Object.values(averageCores)) / demand.pointsPerSecond) * 1e6,
  }
  return { ...sizing, limits: limitsOf(sizing) }
}

/** The CPU time that the model predicts for a run of `bench:peer`. Its difference to the measurement is the model's error. */
export function predictedRun(run: MeasuredRun): CpuByComponent {
  return byComponent((component) => {
    const { perPointUs, perVmWindowMs, perInstanceMs, perCommitMs } = COSTS[component]
    const ofWindows = perVmWindowMs + perInstanceMs / run.vmsPerWorkflow
    const start = component === 'processor' ? START_SECONDS : 0
    return (perPointUs / 1e6) * run.points + (ofWindows * run.vmWindows + perCommitMs * run.commits) / 1000 + start
  })
}

interface Rates {
  readonly points: number
  readonly vmWindows: number
  readonly commits: number
  readonly vmsPerWorkflow: number
}

function cores({ points, vmWindows, commits, vmsPerWorkflow }: Rates): CpuByComponent {
  return byComponent(
    (component) =>
      (COSTS[component].perPointUs / 1e6) * points +
      vmWindows * perVmWindowSeconds(component, vmsPerWorkflow) +
      (COSTS[component].perCommitMs / 1000) * commits,
  )
}

function perVmWindowSeconds(component: Component, vmsPerWorkflow: number): number {
  const { perVmWindowMs, perInstanceMs, perPurgeMs } = COSTS[component]
  return (perVmWindowMs + (perInstanceMs + perPurgeMs) / vmsPerWorkflow) / 1000
}

function partitionsFor({ vms, pointsPerSecond }: Demand, processors: number): number {
  const least = Math.max(
    processors * PARTITIONS_PER_PROCESSOR,
    pointsPerSecond / MAX_POINTS_PER_PARTITION,
    vms / MAX_VMS_PER_PARTITION,
  )
  return Math.max(8, 2 ** Math.ceil(Math.log2(least)))
}

/**
 * The group's offsets move with commits, so up to a window or a checkpoint of every partition is always "lag". One processor is to
 * have that, a quarter more, and two minutes of points, before another is added.
 */
function lagThreshold(
  { pointsPerSecond, windowMs, checkpointEvery }: Demand,
  partitions: number,
  processors: number,
): number {
  const perPartition = pointsPerSecond / partitions
  const uncommitted = Math.min(checkpointEvery, perPartition * (windowMs / 1000))
  const exact = (partitions / processors) * uncommitted * 1.25 + (pointsPerSecond / processors) * 120
  return Math.ceil(exact / 1000) * 1000
}

/** The backlog is processed with the cores that the regular workload leaves free. */
function catchUpSeconds(busyCores: number, processors: number): number {
  const spare = processors - busyCores
  return spare <= 0 ? Infinity : (STANDSTILL_SECONDS * busyCores) / spare
}

function limitsOf(sizing: Omit<Sizing, 'limits'>): Limit[] {
  const { demand, partitions, processors, peakCores, perSecond } = sizing
  const fewerInstances = `raise vmsPerWorkflow above ${demand.vmsPerWorkflow}, or give a window longer to close`
  const limits: Limit[] = [
    {
      name: 'one thread of one Redis',
      value: peakCores.store,
      limit: STORE_CORES,
      unit: 'cores',
      change: `${fewerInstances}; or PostgreSQL, or a store a share of the partitions`,
    },
    {
      name: 'one scheduler and its etcd',
      value: peakCores.scheduler,
      limit: SCHEDULER_CORES,
      unit: 'cores',
      change: `${fewerInstances}; or a Dapr control plane a share of the partitions`,
    },
    {
      name: 'what a store writes, checkpoints most of it',
      value: perSecond.peakStoreBytes,
      limit: STORE_WRITE_BYTES,
      unit: 'bytes/s',
      change: `raise checkpointEvery above ${demand.checkpointEvery}`,
    },
    {
      name: 'partitions of one topic',
      value: partitions,
      limit: MAX_PARTITIONS,
      unit: 'partitions',
      change: 'split the VMs over topics, each with a job of its own',
    },
    {
      name: 'processors for the partitions',
      value: processors,
      limit: partitions,
      unit: 'processors',
      change: 'more partitions, which is a new topic and a new job',
    },
    {
      name: 'VMs of a partition',
      value: demand.vms / partitions,
      limit: MAX_VMS_PER_PARTITION,
      unit: 'VMs',
      change: 'more partitions, which is a new topic and a new job',
    },
    {
      name: 'points of a partition',
      value: demand.pointsPerSecond / partitions,
      limit: MAX_POINTS_PER_PARTITION,
      unit: 'points/s',
      change: 'more partitions, which is a new topic and a new job',
    },
    {
      name: 'three brokers',
      value: perSecond.kafkaBytes,
      limit: BROKER_BYTES,
      unit: 'bytes/s',
      change: 'more brokers: Kafka grows by them',
    },
  ]
  return limits.sort((a, b) => b.value / b.limit - a.value / a.limit)
}

function byComponent(of: (component: Component) => number): CpuByComponent {
  return Object.fromEntries(COMPONENTS.map((component) => [component, of(component)])) as Record<Component, number>
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
