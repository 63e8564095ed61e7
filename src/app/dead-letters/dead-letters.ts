/** `windrow dead-letters`: opens where a job's dead letters are, a file or a topic, to read them and to retry one. */
import { dirname, resolve } from 'node:path'
import { codeOf } from '../../adapters/files/file-system.ts'
import { publishedLines, sideFileOf } from '../../adapters/files/published-lines.ts'
import { createJsonDecoder } from '../../adapters/json/decode.ts'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import type { Config } from '../../config/settings.ts'
import type { Decoded } from '../../core/point.ts'
import { nameLetter, type NamedLetter } from '../../dead-letters/letter.ts'
import type { Repair } from '../../dead-letters/repair.ts'
import { WindrowError } from '../../errors/index.ts'
import { filePathOf } from '../../sinks/files/setting.ts'
import { topicNameOf } from '../../sinks/kafka/setting.ts'
import { destinationOf } from '../../sinks/registry.ts'

export type DeadLettersConfig = Pick<
  Config,
  'job' | keyof KafkaSettings | 'topic' | 'fields' | 'schemaRegistry' | 'results' | 'deadLetters'
>

/** What came of a retry. */
export interface Retried {
  readonly id: string
  /** False: it had been sent before, and nothing was done. */
  readonly sent: boolean
  /** The topic and partition, or the file, that has the repaired record. */
  readonly to: { readonly topic: string; readonly partition: number } | { readonly file: string }
  /** `null` for files. */
  readonly sentAtMs: number | null
}

export interface RetryRequest {
  readonly letter: NamedLetter
  readonly repair: Repair
  /** Instead of the one that the record's key gives. */
  readonly partition: number | null
  /** Instead of the file beside the dead letters. */
  readonly into: string | null
}

export interface DeadLetterStore {
  /** As published, oldest first. */
  letters(): AsyncIterable<NamedLetter>
  /** Ids of those that have been retried already. */
  retried(): Promise<ReadonlySet<string>>
  /** What the bytes of a record are, as a run would see them now. */
  decode(bytes: Uint8Array): Promise<Decoded>
  retry(request: RetryRequest): Promise<Retried>
  close(): Promise<void>
}

export type OpenDeadLetters = (config: DeadLettersConfig) => Promise<DeadLetterStore>

export const openDeadLetters: OpenDeadLetters = async (config) => {
  const path = filePathOf(config.deadLetters)
  if (path !== null) return openFile(config, path)
  // Loaded when needed: files do without Kafka's client.
  const { openTopicOfDeadLetters } = await import('./kafka.ts')
  const topic = topicNameOf(config.deadLetters)
  if (topic !== null) return openTopicOfDeadLetters(config, topic)
  throw new WindrowError(`dead letters cannot be read from ${destinationOf(config.deadLetters)}`, {
    code: 'NO_DEAD_LETTERS',
  })
}

function openFile(config: DeadLettersConfig, path: string): DeadLetterStore {
  return {
    letters: () => lettersIn(config, path),
    async retried() {
      const { retriedIn } = await import('../../adapters/files/retry-file.ts')
      return retriedIn(retryPathOf(path))
    },
    decode: async (bytes) => createJsonDecoder({ mapping: config.fields }).decode(bytes),
    async retry(request) {
      const { retryIntoFile } = await import('./retry-into-file.ts')
      return retryIntoFile(config, request, request.into ?? retryPathOf(path))
    },
    close: async () => undefined,
  }
}

async function* lettersIn({ results }: DeadLettersConfig, path: string): AsyncGenerator<NamedLetter> {
  const resultsPath = results.map(filePathOf).find((one) => one !== null) ?? null
  const side = resultsPath === null ? null : await sideFileOf(resultsPath)
  const isBeside =
    resultsPath !== null && side !== null && resolve(dirname(resultsPath), side.deadLetters.path) === resolve(path)
  try {
    for await (const line of publishedLines(path, isBeside ? side.deadLetters.bytes : null))
      yield nameLetter(line, null)
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? noFile(path, error) : error
  }
}

/** `dead-letters.ndjson` → `dead-letters.retry.ndjson`. */
export function retryPathOf(path: string): string {
  return path.replace(/(\.ndjson)?$/, '.retry.ndjson')
}

function noFile(path: string, cause: unknown): WindrowError {
  return new WindrowError(`there are no dead letters in ${path}: there is no such file`, {
    code: 'NO_DEAD_LETTERS',
    cause,
  })
}
