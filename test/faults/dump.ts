/** Dumps the state of a stuck job: services, ledgers, the workflows of pending commits, lag, and the last log lines. */
import kafkajs from 'kafkajs'
import type { Stack } from '../../src/dev/stack/index.ts'
import { askSidecar, ledgersOf } from './ledgers.ts'
import type { Processors } from './processors.ts'

export interface DumpOf {
  readonly stack: Stack
  readonly job: string
  readonly topic: string
  readonly partitions: number
  readonly processors: Processors
}

export async function dump({ stack, job, topic, partitions, processors }: DumpOf): Promise<string> {
  const { description } = stack
  const services = (await stack.status()).map(({ service, state, problem }) => `  ${service} ${state} ${problem ?? ''}`)
  const ledgers = await ledgersOf(description, job, partitions)
  const ends = await endsOf(description.addresses.kafka, topic)
  const lines: string[] = ['services', ...services, 'ledgers']
  for (const [partition, ledger] of ledgers.entries()) {
    const lag = ledger === null ? 'unknown' : (ends.get(partition) ?? NaN) - ledger.resumeOffset
    lines.push(`  ${partition}: lag ${lag} ${JSON.stringify(ledger)}`)
    const attempt = ledger?.intent?.attempt
    if (attempt === undefined) continue
    lines.push(`    workflow ${attempt}: ${await askSidecar(description, `/v1.0/workflows/dapr/${attempt}`)}`)
  }
  for (const { slot, running, hasEnded, recent } of processors.all) {
    lines.push(`processor ${slot}, pid ${running.child.pid}${hasEnded ? ', ended' : ''}, last log lines`)
    lines.push(...recent.slice(-25).map((line) => `  ${line.slice(0, 400)}`))
  }
  return lines.join('\n')
}

async function endsOf(broker: string, topic: string): Promise<Map<number, number>> {
  const admin = new kafkajs.Kafka({
    brokers: [broker],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 2 },
  }).admin()
  try {
    await admin.connect()
    return new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]))
  } catch (error) {
    // The broker may be down; the list of services above shows that, and the rest of the dump is still useful.
    if (error instanceof kafkajs.KafkaJSError) return new Map()
    throw error
  } finally {
    await admin.disconnect()
  }
}
