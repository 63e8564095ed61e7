/** The files sink, `--results FILE.ndjson`: results, dead letters and certificates as NDJSON files of this machine. */
import { normalize } from 'node:path'
import type { SinkDefinition, SinkSetting } from '../sink.ts'

export interface FileSetting extends SinkSetting {
  readonly kind: 'file'
  readonly path: string
}

export const filesSink: SinkDefinition<FileSetting> = {
  kind: 'file',
  form: 'FILE.ndjson',
  expects: 'a file that ends in .ndjson',
  guarantee: 'Exactly once: each result is in the file once, after crashes too.',
  /** The ending is required, so that a mistyped `kafka:` does not create a file of that name. */
  parse: (text) => (/[^/\\]\.ndjson$/.test(text) ? fileSetting(text) : null),
  destination: ({ path }) => `file ${normalize(path)}`,
  companions: ({ path }, { dataDir }) => ({
    deadLetters: fileSetting(`${dataDir}/dead-letters.ndjson`),
    certificates: fileSetting(`${path.replace(/\.ndjson$/, '')}.certificates.ndjson`),
  }),
  open: async (outputs, { job }) => (await import('./open.ts')).openFilesSink(outputs, job),
  openReader: async (outputs) => (await import('./open.ts')).openFilesReader(outputs),
}

export function fileSetting(path: string): FileSetting {
  return { kind: 'file', path }
}

/** The path if the setting names a file. */
export function filePathOf(setting: SinkSetting): string | null {
  return setting.kind === filesSink.kind ? (setting as FileSetting).path : null
}
