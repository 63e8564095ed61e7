/**
 * Reads the state of a job again and again, as cheaply as it allows: chunks only of partitions that committed since, and the
 * folder of an idle job only after it has changed. It reads what `windrow status` reads.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaCluster } from '../../adapters/kafka/cluster.ts'
import type { InstanceFacts } from '../../adapters/dapr/task-hub-client.ts'
import { jobIn, withJobStore, type StoreAccess } from '../../app/job-store.ts'
import {
  inspectPartition,
  statusOf,
  type JobStatus,
  type StatusConfig,
  type StoredPartition,
} from '../../app/status/status.ts'
import { NO_LOG, readLog, sourceTopicOf, type TopicLog } from '../../app/status/topic-state.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import { readEndpoint } from '../../embedded/index.ts'
import { codeOf } from '../../adapters/files/file-system.ts'
import { WindrowError } from '../../errors/index.ts'
import { readHalt } from '../../ledger/halt.ts'
import { readLedger } from '../../ledger/ledger.ts'
import type { JobRecord } from '../../ledger/job-record.ts'
import { readOnly } from '../../pipeline/inspect.ts'
import type { StateStore } from '../../ports/index.ts'

/** A job as of one reading. */
export interface JobState {
  readonly record: JobRecord
  readonly status: JobStatus
  readonly stored: readonly StoredPartition[]
  readonly process: 'running' | 'idle' | 'unknown'
}

export interface JobReader {
  /** Rejects with the WindrowErrors of `windrow status`. Calls must not overlap. */
  read(signal: AbortSignal): Promise<JobState>
  /** What the workflow engine knows of instances; `null` for one that it does not know. */
  workflows(ids: readonly string[], signal: AbortSignal): Promise<(InstanceFacts | null)[]>
  close(): Promise<void>
}

/** The identity of a topic is checked this often; its end at every reading. */
const CHECK_TOPIC_EVERY_MS = 30_000

/**
 * `isOwnRun`: the process that started this one runs the job now, so this one must not open the folder of the state. It may once
 * the run has ended.
 */
export function createJobReader(config: StatusConfig, isOwnRun: () => boolean): JobReader {
  const folder = join(config.dataDir, 'state')
  let known: { readonly state: JobState; readonly marks: string } | null = null
  const log = createLogReader(config)

  async function access(): Promise<StoreAccess> {
    if (isOwnRun()) return 'attach'
    if (config.sidecar === 'dapr') return 'open'
    // Only a live run has announced its sidecar. Trying to lock the folder first would delay a run that starts now.
    return (await readEndpoint(folder)) === null ? 'open' : 'attach'
  }

  const opened = async <T>(signal: AbortSignal, use: Parameters<typeof withJobStore<T>>[2]): Promise<T> => {
    const how = await access()
    try {
      return await withJobStore(config, signal, use, how)
    } catch (error) {
      const isGone = error instanceof WindrowError && ['SIDECAR_UNREACHABLE', 'DATA_DIR_BUSY'].includes(error.code)
      // The run has ended meanwhile; or it crashed and left its endpoint, and another process has its process id.
      if (!isGone || how === 'open' || isOwnRun()) throw error
      return withJobStore(config, signal, use)
    }
  }

  return {
    async read(signal) {
      const isEmbedded = config.sidecar === 'embedded'
      if (known !== null && known.marks !== '' && !isOwnRun() && (await marksOf(folder)) === known.marks)
        return known.state
      const state = await opened(signal, async ({ store, isIdle }) => {
        const reading = readOnly(store)
        const record = await jobIn(reading, config)
        const stored = await readPartitions(reading, record, known?.state.stored ?? [])
        // After the ledgers: before them, the log's end could be lower than a resume offset committed meanwhile.
        const status = statusOf(record, stored, await log.read(record))
        const process = !isEmbedded ? 'unknown' : isIdle ? 'idle' : 'running'
        return { record, status, stored, process } as const
      })
      // A job on a topic has a lag, which changes without the folder.
      const isStill = state.process === 'idle' && state.status.topic === null
      known = { state, marks: isStill ? await marksOf(folder) : '' }
      return state
    },
    workflows: (ids, signal) =>
      ids.length === 0 || known?.state.process === 'idle'
        ? Promise.resolve(ids.map(() => null))
        : opened(signal, (store) => Promise.all(ids.map((id) => store.workflow(id)))),
    close: () => log.close(),
  }
}

async function readPartitions(
  store: StateStore,
  record: JobRecord,
  before: readonly StoredPartition[],
): Promise<StoredPartition[]> {
  const stored: StoredPartition[] = []
  for (let partition = 0; partition < record.partitions; partition++) {
    const found = (await readLedger(store, record.job, partition))?.ledger ?? null
    const known = before[partition]
    const isSame = found !== null && found.index !== null && known?.ledger?.index?.digest === found.index.digest
    if (isSame && known.view !== null) {
      const halt = await readHalt(store, record.job, partition, found)
      stored.push({ ledger: found, view: { ...known.view, ledger: found }, problem: null, halt })
    } else stored.push(await inspectPartition(store, record, partition))
  }
  return stored
}

/** Names, sizes and times of the files of an embedded state, and whether a run holds it: equal marks, equal state. */
async function marksOf(folder: string): Promise<string> {
  const files = join(folder, 'state')
  try {
    const names = (await readdir(files)).sort()
    const facts = await Promise.all(names.map((name) => stat(join(files, name))))
    const marks = names.map((name, index) => `${name} ${facts[index]?.size} ${facts[index]?.mtimeMs}`)
    return `${(await readEndpoint(folder)) === null ? '' : 'held '}${marks.join()}`
  } catch (error) {
    // A file that LevelDB has just removed, or the whole folder.
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}

/** The ends of the job's log by one lasting connection. Everything else about the topic is checked now and then. */
function createLogReader(config: StatusConfig) {
  let cluster: KafkaCluster | null = null
  let last: { readonly log: TopicLog; readonly atMs: number } | null = null

  async function drop(): Promise<void> {
    const open = cluster
    cluster = null
    await open?.close()
  }

  return {
    async read(record: JobRecord): Promise<TopicLog> {
      const topic = sourceTopicOf(record)
      if (topic === null || config.brokers.length === 0) return topic === null ? NO_LOG : readLog(record, config)
      if (last === null || performance.now() - last.atMs > CHECK_TOPIC_EVERY_MS || last.log.problem !== null) {
        last = { log: await readLog(record, config), atMs: performance.now() }
        return last.log
      }
      try {
        const { connectKafkaCluster } = await import('../../adapters/kafka/cluster.ts')
        cluster ??= await connectKafkaCluster(kafkaConnectionOf(config, 'windrow-ui'))
        const partitions = Array.from({ length: record.partitions }, (_, partition) => partition)
        return { ...last.log, ranges: await cluster.logRanges(topic, partitions) }
      } catch (error) {
        if (!(error instanceof WindrowError)) throw error
        await drop()
        last = null
        return { ...NO_LOG, problem: error.message }
      }
    },
    close: drop,
  }
}
