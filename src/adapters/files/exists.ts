/** Checks whether a file exists. */
import { access } from 'node:fs/promises'
import { codeOf } from './file-system.ts'

/** Whether a file or folder exists at the path. Throws if that cannot be determined. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
