/** A Kafka topic as a run's input. A consumer group assigns partitions; the ledgers say where reading resumes. */
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import { connectKafkaCluster } from '../../adapters/kafka/cluster.ts'
import { createKafkaConsumption } from '../../adapters/kafka/consumption.ts'
import { describeTopic, type TopicDescription } from '../../adapters/kafka/topic.ts'
import type { Config } from '../../config/settings.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { StateStore } from '../../ports/index.ts'
import { OwnedPartitions } from './drive.ts'
import { endsOf, haveReached, type Ends } from './goals.ts'
import type { Input, InputHooks, RunPartition } from './input.ts'
import { runConnectionOf } from './kafka-connection.ts'
import { MAX_AHEAD_REMEDY, maxAheadProblemOf } from './max-ahead.ts'
import { createLogRangeReader } from './log-ranges.ts'
import { recordDecoderOf } from '../record-decoder.ts'
import { confirmTopic, identityOf, refuseAnother, refuseCompacted, watchTopic } from './topic-identity.ts'

/** Interval of the checks whether partitions of other processes have reached their goals. */
const CHECK_EVERY_MS = 500
/** Time for a stopping run to commit and publish the records that it has read. */
const DRAIN_MS = 8_000

export async function openKafkaInput(config: Config, hooks: InputHooks): Promise<Input> {
  const { topic } = config
  if (topic === null) throw new Error('a topic was resolved to none')
  const connection = await runConnectionOf(config, hooks.log)
  const description = await describeTopic(connection, topic)
  refuseCompacted(description)
  const owned: { partitions: OwnedPartitions | null; fail: (error: WindrowError) => void } = {
    partitions: null,
    fail: () => undefined,
  }
  const consumption = createKafkaConsumption({
    connection,
    topic,
    groupId: config.job,
    decode: recordDecoderOf(config, hooks.clock),
    clock: hooks.clock,
    listener: {
      onAssigned: (partitions) => {
        owned.partitions?.assign(partitions)
        hooks.onAssigned(partitions)
      },
      onRevoked: (partitions) => {
        owned.partitions?.revoke(partitions)
        hooks.onRevoked(partitions)
      },
      onFailed: (error) => owned.fail(error),
    },
  })
  const logs = createLogRangeReader(connection, description)
  const cluster = await connectKafkaCluster(connection)
  const hasBrokerClock = description.timestampType === 'LogAppendTime'
  const maxAheadProblem = maxAheadProblemOf(description)
  if (config.maxAheadMs !== null && maxAheadProblem !== null) hooks.onWarning(maxAheadProblem, MAX_AHEAD_REMEDY)
  return {
    source: { ...consumption.source, confirm: async () => void (await confirmTopic(cluster, description)) },
    partitions: description.partitions,
    hasBrokerClock,
    isRepeatable: true,
    identity: identityOf(description),
    check: (before) => refuseAnother(before, description),
    logRanges: () => logs.read(),
    drive,
    async close() {
      await consumption.close()
      await Promise.all([logs.close(), cluster.close()])
    },
  }

  async function drive(run: RunPartition, store: StateStore, signal: AbortSignal): Promise<void> {
    const halts: WindrowError[] = []
    const partitions = new OwnedPartitions({
      run: async (partition, runSignal) => {
        await run(partition, runSignal, () => logStart(connection, topic as string, partition))
      },
      clock: hooks.clock,
      confirmMembership: () => consumption.confirmMembership(),
      onHalted: (partition, error) => {
        halts.push(error)
        hooks.onHalted(partition, error)
        hooks.onWarning(`partition ${partition} is halted: ${error.code}: ${error.message}`, error.remedy)
      },
      onRetry: (partition, error, pauseMs) =>
        hooks.onWarning(`partition ${partition} restarts in ${pauseMs} ms: ${messageOf(error)}`, 'Nothing is lost.'),
    })
    const ended = new AbortController()
    const stop = AbortSignal.any([signal, ended.signal])
    /** Ends all partitions at once: consumption has failed for good, or the topic was replaced. */
    const fail = (error: WindrowError): void => {
      halts.unshift(error)
      ended.abort()
    }
    owned.partitions = partitions
    owned.fail = fail
    // Read before any partition is taken over, since a takeover may set a new goal.
    const { until } = hooks
    const logEndsNow = await logEnds(connection, description)
    const wanted = until === undefined ? logEndsNow : new Map([...logEndsNow.keys()].map((one) => [one, until(one)]))
    const ends = await endsOf(store, config.job, wanted)
    await consumption.start()
    const watching = watchTopic(cluster, description, hooks.clock, stop).catch(fail)
    try {
      // A halted partition does not stop the others. Once no other partition is active, the run ends.
      const isOver = async (): Promise<boolean> =>
        (halts.length > 0 && partitions.areAllOver) ||
        (config.once && halts.length === 0 && (await haveReachedNow(store, config.job, ends)))
      while (!stop.aborted && !(await isOver())) await hooks.clock.sleep(CHECK_EVERY_MS, stop)
    } finally {
      // Records that are not committed in time are abandoned, not lost: the next owner resumes from the ledger.
      ended.abort()
      const drained = new AbortController()
      const closing = Promise.all([partitions.close(), watching]).finally(() => drained.abort())
      await Promise.race([closing, hooks.clock.sleep(DRAIN_MS, drained.signal)])
    }
    if (halts[0] !== undefined) throw halts[0]
  }
}

/** False if the ledgers cannot be read now. The partitions wait for a sidecar that restarts. */
async function haveReachedNow(store: StateStore, job: string, ends: Ends): Promise<boolean> {
  try {
    return await haveReached(store, job, ends)
  } catch (error) {
    if (error instanceof WindrowError && error.disposition === 'retryable') return false
    throw error
  }
}

async function logEnds(connection: KafkaConnection, { topic, partitions }: TopicDescription): Promise<Ends> {
  const cluster = await connectKafkaCluster(connection)
  try {
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    return new Map([...(await cluster.logRanges(topic, all))].map(([partition, { end }]) => [partition, end]))
  } finally {
    await cluster.close()
  }
}

async function logStart(connection: KafkaConnection, topic: string, partition: number): Promise<number> {
  const cluster = await connectKafkaCluster(connection)
  try {
    return (await cluster.logRanges(topic, [partition])).get(partition)?.start ?? 0
  } finally {
    await cluster.close()
  }
}
