/**
 * The Parquet sink, `--results parquet:FOLDER`: one file per commit and day, for DuckDB, pandas and polars.
 *
 *   setting.ts  parses the folder                    publisher.ts  publishes the commits of one partition
 *   layout.ts   names of folders and files           reader.ts     reads what is published
 *   columns.ts  the columns, as data                 open.ts       opens the sink for a run, and for reading
 *   files.ts    the files of a commit: their rows    encode.ts     encodes rows as Parquet
 */
import type { SinkDefinition } from '../sink.ts'
import { CERTIFICATES_IN, DEAD_LETTERS_IN } from './layout.ts'
import { folderDestination, parquetFolder, parseParquet, PARQUET_FORM, type ParquetSetting } from './setting.ts'

export const parquetSink: SinkDefinition<ParquetSetting> = {
  kind: 'parquet',
  form: PARQUET_FORM,
  expects: 'parquet: and a folder',
  guarantee: 'Exactly once: the name of a file contains its commit, and a commit always has the same rows.',
  parse: parseParquet,
  destination: folderDestination,
  companions: ({ folder }) => ({
    deadLetters: parquetFolder(`${folder}/${DEAD_LETTERS_IN}`),
    certificates: parquetFolder(`${folder}/${CERTIFICATES_IN}`),
  }),
  open: async (outputs, { job }) => (await import('./open.ts')).openParquetSink(outputs, job),
  openReader: async (outputs) => (await import('./open.ts')).openReaderOfFolder(outputs),
}
