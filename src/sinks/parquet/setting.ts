/** What `--results parquet:FOLDER` names: a folder of this machine. */
import { normalize } from 'node:path'
import type { SinkSetting } from '../sink.ts'

export interface ParquetSetting extends SinkSetting {
  readonly kind: 'parquet'
  readonly folder: string
}

export const PARQUET_FORM = 'parquet:FOLDER'
const PREFIX = 'parquet:'

export function parseParquet(text: string): ParquetSetting | { readonly problem: string } | null {
  if (!text.startsWith(PREFIX)) return null
  const folder = text.slice(PREFIX.length)
  if (folder === '') return { problem: `${JSON.stringify(text)} names no folder` }
  // Readers take names with `=` for columns.
  if (folder.includes('=')) return { problem: `the folder ${JSON.stringify(folder)} has a = in its name` }
  return { kind: 'parquet', folder }
}

export function parquetFolder(folder: string): ParquetSetting {
  return { kind: 'parquet', folder }
}

/** How the sink names a place in messages. */
export function folderDestination({ folder }: ParquetSetting): string {
  return `folder ${normalize(folder)}`
}
