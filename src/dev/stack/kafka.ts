/** Kafka in KRaft mode, one node. */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { KAFKA_VERSION } from './builds.ts'
import { exists } from '../../adapters/files/exists.ts'
import { fillTemplate } from './data-files.ts'
import type { StackDescription } from './description.ts'
import { CHECK_TIMEOUT_MS, notUsable } from './service.ts'
import type { Service } from './service.ts'
import { runToEnd } from './process.ts'
import type { Command } from './process.ts'

const JVM_OPTIONS = ['-Xms256m', '-Xmx1g', '-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.showDateTime=true']

/** What the service is made from; a stack's description has it all. */
export type KafkaDescription = Pick<StackDescription, 'dataDir' | 'kafkaJars'> & {
  readonly ports: Pick<StackDescription['ports'], 'kafka' | 'kafkaController'>
  readonly addresses: Pick<StackDescription['addresses'], 'kafka'>
  readonly tools: Pick<StackDescription['tools'], 'java'>
  /** See BrokerOptions. */
  readonly properties?: readonly string[]
  readonly scramUsers?: Readonly<Record<string, string>>
}

export function kafkaService(stack: KafkaDescription): Service {
  const folder = join(stack.dataDir, 'kafka')
  const properties = join(folder, 'server.properties')
  const logDir = join(folder, 'log')
  const { kafka: port, kafkaController } = stack.ports
  const java = (...args: string[]): Command => ({
    program: stack.tools.java.path,
    args: [...JVM_OPTIONS, '-cp', join(stack.kafkaJars, '*'), ...args],
    cwd: folder,
  })
  return {
    name: 'kafka',
    version: KAFKA_VERSION,
    doing: 'formats its storage if there is none, starts',
    ports: [port, kafkaController],
    stopSignal: 'SIGTERM',
    folders: [folder],
    prepare: async (logFile) => {
      await mkdir(folder, { recursive: true })
      const values = { KAFKA_PORT: String(port), CONTROLLER_PORT: String(kafkaController), LOG_DIR: logDir }
      const own = await fillTemplate('server.properties', values)
      // Of two lines for one property Kafka takes the last.
      await writeFile(properties, [own, ...(stack.properties ?? []), ''].join('\n'), { mode: 0o600 })
      if (await exists(join(logDir, 'meta.properties'))) return
      const users = Object.entries(stack.scramUsers ?? {}).flatMap(scramArguments)
      const format = ['format', '-t', clusterId(), '-c', properties, ...users]
      await runToEnd(java('kafka.tools.StorageTool', ...format), logFile)
    },
    command: async () => java('kafka.Kafka', properties),
    check: () => checkMetadata(stack.addresses.kafka),
  }
}

const scramArguments = ([name, password]: [string, string]): string[] =>
  ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['-S', `${mechanism}=[name=${name},password=${password}]`])

/** Rejects unless the broker answers a metadata request with itself in it. */
async function checkMetadata(broker: string): Promise<void> {
  const kafka = new kafkajs.Kafka({
    clientId: 'windrow-stack',
    brokers: [broker],
    connectionTimeout: CHECK_TIMEOUT_MS,
    requestTimeout: CHECK_TIMEOUT_MS,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    if (!brokers.some(({ host, port }) => `${host}:${port}` === broker))
      throw notUsable(`${broker} is not in its cluster yet`)
  } finally {
    await admin.disconnect()
  }
}

/** A Kafka UUID: 16 bytes in base64url; the command line would take one that begins with "-" for an option. */
function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
