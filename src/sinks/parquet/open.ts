/** Opens the Parquet sink for a run, and for reading what a run has published. */
import { nodeFileSystem } from '../../adapters/files/file-system.ts'
import { ConfigurationError } from '../../errors/index.ts'
import type { Sink } from '../../ports/index.ts'
import type { PublishedReader, SinkOutputs } from '../sink.ts'
import { CERTIFICATES_IN } from './layout.ts'
import { createParquetPublishers } from './publisher.ts'
import { openParquetReader } from './reader.ts'
import { folderDestination, parquetFolder, type ParquetSetting } from './setting.ts'

export function openParquetSink(outputs: SinkOutputs<ParquetSetting>, job: string): Sink {
  const { results, deadLetters } = checked(outputs)
  return {
    destination: folderDestination(results),
    delivery: 'exactly-once',
    publishers: createParquetPublishers({
      ...{ files: nodeFileSystem, folder: results.folder, deadLetters: deadLetters.folder, job },
    }),
  }
}

export function openReaderOfFolder(outputs: SinkOutputs<ParquetSetting>): Promise<PublishedReader> {
  return openParquetReader(checked(outputs).results)
}

function checked({ results, deadLetters, certificates }: SinkOutputs<ParquetSetting>) {
  if (deadLetters === undefined || certificates === undefined)
    throw new Error('the Parquet sink defines its companions')
  const own = folderDestination(parquetFolder(`${results.folder}/${CERTIFICATES_IN}`))
  if (folderDestination(certificates) === own) return { results, deadLetters }
  const problem = `Parquet files contain their certificates, so there are none in ${folderDestination(certificates)}`
  throw new ConfigurationError([{ place: '--certificates', problem, remedy: 'Leave out the setting.' }])
}
