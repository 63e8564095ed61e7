/** The files sink, `--results FILE.ndjson`: results, dead letters and certificates as NDJSON files of this machine. */
import type { SinkDefinition } from '../sink.ts'
import { fileDestination, fileSetting, type FileSetting } from './setting.ts'

export const filesSink: SinkDefinition<FileSetting> = {
  kind: 'file',
  form: 'FILE.ndjson',
  expects: 'a file that ends in .ndjson',
  guarantee: 'Exactly once: each result is in the file once, after crashes too.',
  /** The ending is required, so that a mistyped `kafka:` does not create a file of that name. */
  parse: (text) => (/[^/\\]\.ndjson$/.test(text) ? fileSetting(text) : null),
  destination: fileDestination,
  companions: ({ path }, { dataDir }) => ({
    deadLetters: fileSetting(`${dataDir}/dead-letters.ndjson`),
    certificates: fileSetting(`${path.replace(/\.ndjson$/, '')}.certificates.ndjson`),
  }),
  open: async (outputs, { job }) => (await import('./open.ts')).openFilesSink(outputs, job),
  openReader: async (outputs) => (await import('./open.ts')).openFilesReader(outputs),
}
