/**
 * Measured costs: the only numbers of the sizing model that are not computed. A CPU time includes all threads of a process,
 * as counted by the kernel of the machine in docs/internals/performance.md. `RUNS` lists the runs that the costs come from,
 * and a test compares the model with every run. For another machine, run the commands again and replace both.
 */

export interface ComponentCosts {
  readonly perPointUs: number
  /** Of a VM window, whatever workflow it is in. */
  readonly perVmWindowMs: number
  /** Of a `vm-window` workflow instance, whatever it carries. */
  readonly perInstanceMs: number
  /** Of a partition window's commit, or of a checkpoint's. */
  readonly perCommitMs: number
  /** Cost of purging an instance after its retention. It is spent after the run, in addition to the costs above. */
  readonly perPurgeMs: number
}

export type Component = 'processor' | 'sidecar' | 'scheduler' | 'store' | 'kafka'
export const COMPONENTS: readonly Component[] = ['processor', 'sidecar', 'scheduler', 'store', 'kafka']

/**
 * CPU costs, solved from as many runs as there are unknowns (`fitted` below); the other runs were held out. The costs of
 * purges are the row "the purge, five minutes later" of docs/internals/performance.md (`npm run bench:peer`, measured again
 * after five minutes). The runs cannot separate the processor's cost per commit from its cost per VM window, because all
 * of them had 62.5 VM windows per commit. The whole cost is assigned to the VM window, which overestimates partitions with
 * more VMs.
 */
export const COSTS: Readonly<Record<Component, ComponentCosts>> = {
  processor: { perPointUs: 4.8, perVmWindowMs: 0.95, perInstanceMs: 1.23, perCommitMs: 0, perPurgeMs: 0 },
  sidecar: { perPointUs: 0, perVmWindowMs: 0, perInstanceMs: 1.67, perCommitMs: 25, perPurgeMs: 1 },
  scheduler: { perPointUs: 0, perVmWindowMs: 0, perInstanceMs: 1.81, perCommitMs: 24, perPurgeMs: 0.9 },
  store: { perPointUs: 0, perVmWindowMs: 0, perInstanceMs: 0.37, perCommitMs: 7.3, perPurgeMs: 0.2 },
  kafka: { perPointUs: 1.87, perVmWindowMs: 0.18, perInstanceMs: 0, perCommitMs: 0, perPurgeMs: 0 },
}

/** Time from a processor's start to its first record. */
export const START_SECONDS = 2.6

/** One run of `npm run bench:peer`, which reports the CPU time of every process. */
export interface MeasuredRun {
  readonly command: string
  /** Components whose constants were fitted to this run. The run's other values test the model. */
  readonly fitted: readonly Component[]
  readonly points: number
  readonly vmWindows: number
  readonly commits: number
  readonly vmsPerWorkflow: number
  readonly cpuSeconds: Readonly<Record<Component, number>>
}

const RUN_57 = { points: 513_000, vmWindows: 9_000, commits: 144 }

/** From docs/internals/performance.md, tables "Against Kafka Streams" and "vmsPerWorkflow". `kafka` only where it was measured. */
export const RUNS: readonly MeasuredRun[] = [
  {
    ...RUN_57,
    command: 'npm run bench:peer -- --per-window 57',
    fitted: ['processor', 'sidecar', 'scheduler', 'store', 'kafka'],
    vmsPerWorkflow: 1,
    cpuSeconds: { processor: 24.6, sidecar: 18.7, scheduler: 19.7, store: 4.4, kafka: 2.6 },
  },
  {
    ...RUN_57,
    command: 'npm run bench:peer -- --per-window 57 --vms-per-workflow 64',
    fitted: ['processor', 'sidecar', 'scheduler', 'store'],
    vmsPerWorkflow: 64,
    cpuSeconds: { processor: 13.7, sidecar: 3.9, scheduler: 3.7, store: 1.1, kafka: Number.NaN },
  },
  {
    ...RUN_57,
    command: 'npm run bench:peer -- --per-window 57 --vms-per-workflow 8',
    fitted: [],
    vmsPerWorkflow: 8,
    cpuSeconds: { processor: 14.7, sidecar: 5.5, scheduler: 6.4, store: 1.5, kafka: Number.NaN },
  },
  {
    command: 'npm run bench:peer -- --per-window 400',
    fitted: ['processor'],
    points: 600_000,
    vmWindows: 1_500,
    commits: 24,
    vmsPerWorkflow: 1,
    cpuSeconds: { processor: 8.7, sidecar: 3.2, scheduler: 3.8, store: 0.7, kafka: 0.8 },
  },
  {
    command: 'npm run bench:peer -- --per-window 400 --points 4000000 --runs 1',
    fitted: ['processor', 'kafka'],
    points: 4_000_000,
    vmWindows: 10_000,
    commits: 160,
    vmsPerWorkflow: 1,
    cpuSeconds: { processor: 43.5, sidecar: 22, scheduler: 24.2, store: 5, kafka: 9.3 },
  },
]

/**
 * Commands and bytes, as Redis counts them: `npm run bench -- store --vms 120 --windows 3`. A commit's are with its 30 VM windows, of which
 * the commands depend little: pages of rows are written, not rows.
 */
export const STORE = {
  commandsPerInstance: 51,
  commandsPerCommit: 283,
  /** In memory, until it is purged: five keys. */
  bytesPerInstance: 1256,
  /** To the append-only file. */
  bytesWrittenPerInstance: 2955,
} as const

/** Of an open VM window with one metric and 200 points over three decades: `npm run bench -- memory`. */
export const OPEN_VM_WINDOW = { heapBytes: 6453, rowBytes: 1257 } as const

/** A point as Kafka keeps it, uncompressed: 41 bytes of Avro with its fingerprint for an id of 8 characters, its key, and what a record has around them. */
export const POINT_BYTES = 64

/** Jobs that an instance makes in the scheduler, each a write to its etcd: the start and the purge (docs/internals/performance.md). */
export const JOBS_PER_INSTANCE = 2

/** Of Node with Windrow loaded and nothing folded: `ps -o rss` of a run that waits for its first record. */
export const PROCESS_BYTES = 150 * 2 ** 20
/** Records that a partition holds before fetching pauses, as fetched and as decoded (src/adapters/kafka/consumption.ts). */
export const BUFFER_BYTES = 3 * 4 * 2 ** 20
