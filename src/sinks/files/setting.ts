/** What `--results FILE.ndjson` names: a file of this machine. */
import { normalize } from 'node:path'
import type { SinkSetting } from '../sink.ts'

export interface FileSetting extends SinkSetting {
  readonly kind: 'file'
  readonly path: string
}

export function fileSetting(path: string): FileSetting {
  return { kind: 'file', path }
}

/** The path if the setting names a file. */
export function filePathOf(setting: SinkSetting): string | null {
  return setting.kind === 'file' ? (setting as FileSetting).path : null
}

/** How the sink names a place in messages. */
export function fileDestination({ path }: FileSetting): string {
  return `file ${normalize(path)}`
}
