import { access } from 'node:fs/promises'
import { codeOf } from './file-system.ts'

/** Whether there is a file or folder of that name. Throws where that cannot be seen. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
