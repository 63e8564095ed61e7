/** Reads the records of job windows in a folder. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../adapters/files/file-system.ts'
import type { SinkSetting } from '../sink.ts'
import { windowsFolderOf } from './setting.ts'

/** The records in the folders that the settings name, as JSON texts in no order; `null` if they name none. */
export function jobWindowsReader(results: readonly SinkSetting[]): (() => AsyncIterable<string>) | null {
  const folders = results.map(windowsFolderOf).filter((folder) => folder !== null)
  if (folders.length === 0) return null
  return async function* () {
    for (const folder of folders) {
      for (const name of await recordsIn(folder)) yield await readFile(join(folder, name), 'utf8')
    }
  }
}

async function recordsIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^-?\d+-\d+\.json$/.test(name))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
