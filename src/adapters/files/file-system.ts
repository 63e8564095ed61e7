/**
 * The file operations that publishing results depends on. Each is one step, and a crash may follow any of them. Tests
 * implement them in memory, with a page cache that a crash empties.
 */
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { constants } from 'node:fs'
import { dirname } from 'node:path'

export interface FileSystem {
  /** Creates the folder and its parents. */
  makeFolder(path: string): Promise<void>
  /** The names of files in the folder, in no order. */
  list(folder: string): Promise<readonly string[]>
  /** `null` if the file does not exist. */
  readText(path: string): Promise<string | null>
  /** Opens for writing; creates an empty file if none exists. */
  open(path: string): Promise<OpenFile>
  /** Replaces `to` atomically. */
  rename(from: string, to: string): Promise<void>
  /** A missing file is not an error. */
  remove(path: string): Promise<void>
  /** Makes files that were created or renamed in the folder survive a crash. */
  syncFolder(path: string): Promise<void>
}

export interface OpenFile {
  size(): Promise<number>
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(size: number): Promise<void>
  /** Makes content and size survive a crash. */
  sync(): Promise<void>
  close(): Promise<void>
}

export const nodeFileSystem: FileSystem = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true })
  },
  list: (folder) => readdir(folder),
  async readText(path) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    }
  },
  async open(path) {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666)
    return {
      size: async () => (await handle.stat()).size,
      async write(bytes, position) {
        for (let written = 0; written < bytes.length;) {
          const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
          written += bytesWritten
        }
      },
      truncate: (size) => handle.truncate(size),
      // Flushes the size as well, since reading needs it, but not the file times.
      sync: () => handle.datasync(),
      close: () => handle.close(),
    }
  },
  rename,
  async remove(path) {
    try {
      await unlink(path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  },
  async syncFolder(path) {
    // Windows cannot open a folder and does not need this step.
    if (process.platform === 'win32') return
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

/**
 * Replaces a file atomically: writes a temporary file, syncs it, renames it, syncs the folder. After a crash the file has
 * either the old text or the new text.
 */
export async function replaceFile(
  files: FileSystem,
  path: string,
  text: string,
  temporary = `${path}.tmp`,
): Promise<void> {
  await writeSynced(files, temporary, Buffer.from(text))
  await files.rename(temporary, path)
  await files.syncFolder(dirname(path))
}

/** Writes a whole file and syncs it. After a crash it may exist in part. */
export async function writeSynced(files: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = await files.open(path)
  try {
    await file.truncate(0)
    await file.write(bytes, 0)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The system's error code, such as ENOENT; `''` if the error has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code ?? ''
}
