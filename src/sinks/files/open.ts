/** Opens the files sink for a run, and for reading what a run has published. */
import { dirname, resolve } from 'node:path'
import { exists } from '../../adapters/files/exists.ts'
import { codeOf } from '../../adapters/files/file-system.ts'
import { publishedLines, sideFileOf } from '../../adapters/files/published-lines.ts'
import { createFilePublisherFactory } from '../../adapters/files/result-file.ts'
import { WindrowError } from '../../errors/index.ts'
import type { Sink } from '../../ports/index.ts'
import type { PublishedReader, SinkOutputs } from '../sink.ts'
import { fileDestination, type FileSetting } from './setting.ts'

export function openFilesSink(outputs: SinkOutputs<FileSetting>, job: string): Sink {
  const { results, deadLetters, certificates } = whole(outputs)
  return {
    destination: fileDestination(results),
    delivery: 'exactly-once',
    publishers: createFilePublisherFactory({
      job,
      results: results.path,
      deadLetters: deadLetters.path,
      certificates: certificates.path,
    }),
  }
}

/**
 * Results and certificates as of one moment: the side file, which is replaced as a whole, says how much of each is
 * published. Files without a side file, copies for example, are read to their end.
 */
export async function openFilesReader(outputs: SinkOutputs<FileSetting>): Promise<PublishedReader> {
  const { results, certificates } = whole(outputs)
  const side = await sideFileOf(results.path)
  const isBeside = side !== null && !(await exists(certificates.path))
  // The run may have been given another place for its certificates.
  const certificatesPath = isBeside ? resolve(dirname(results.path), side.certificates.path) : certificates.path
  return {
    results: () => linesOf('results', results.path, side?.results.bytes ?? null),
    certificates: () => linesOf('certificates', certificatesPath, side?.certificates.bytes ?? null),
    close: () => Promise.resolve(),
  }
}

async function* linesOf(what: string, path: string, bytes: number | null): AsyncGenerator<string> {
  try {
    yield* publishedLines(path, bytes)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new WindrowError(`there are no ${what} in ${path}: there is no such file`, {
      code: 'NOTHING_PUBLISHED',
      cause: error,
    })
  }
}

function whole({ results, deadLetters, certificates }: SinkOutputs<FileSetting>): Required<SinkOutputs<FileSetting>> {
  if (deadLetters === undefined || certificates === undefined) throw new Error('the files sink defines its companions')
  return { results, deadLetters, certificates }
}
