/** `windrow dead-letters`: opens the dead letters of a job, in a file or a topic, to read them and to retry one. */
import { dirname, resolve } from 'node:path'
import { codeOf } from '../../adapters/files/file-system.ts'
import { publishedLines, sideFileOf } from '../../adapters/files/published-lines.ts'
import { createJsonDecoder } from '../../adapters/json/decode.ts'
import { nameLetter, type NamedLetter } from '../../dead-letters/letter.ts'
import { WindrowError } from '../../errors/index.ts'
import { filePathOf } from '../../sinks/files/setting.ts'
import { topicNameOf } from '../../sinks/kafka/setting.ts'
import { destinationOf } from '../../sinks/registry.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import type { DeadLettersConfig, DeadLetterStore } from './store.ts'

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
    decode: async (bytes) => createJsonDecoder(decodeOptionsOf(config)).decode(bytes),
    async retry(request) {
      const { retryIntoFile } = await import('./retry-into-file.ts')
      return retryIntoFile(config, request, request.into ?? retryPathOf(path))
    },
    async retryMany(request) {
      const { retryManyIntoFile } = await import('./retry-into-file.ts')
      return retryManyIntoFile(config, request, request.into ?? retryPathOf(path))
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
