/** Chooses the reader for a file format. */
import { assertNever } from '../../errors/index.ts'
import type { ContainerOptions } from './avro-container.ts'
import type { FileFormat } from './bytes.ts'
import { csvFormat } from './csv.ts'
import { readJsonElements } from './json-elements.ts'
import { lineProtocolFormat } from './line-protocol.ts'
import { readLineRecords } from './line-reader.ts'
import { ndjsonFormat } from './ndjson.ts'
import type { RecordBatch } from './record.ts'

export function readRecords(format: FileFormat, options: ContainerOptions): AsyncGenerator<RecordBatch> {
  switch (format) {
    case 'ndjson':
      return readLineRecords(ndjsonFormat(options.file, options.decode), options)
    case 'json':
      return readJsonElements(options)
    case 'csv':
      return readLineRecords(csvFormat(options.file, options.decode), options)
    case 'line-protocol':
      return readLineRecords(lineProtocolFormat(options.file, options.decode), options)
    case 'avro':
      return readAvro(options)
    default:
      return assertNever(format)
  }
}

/** Loads the reader of Avro, and its library, only for files in Avro. */
async function* readAvro(options: ContainerOptions): AsyncGenerator<RecordBatch> {
  const { readContainer } = await import('./avro-container.ts')
  yield* readContainer(options)
}
