/**
 * The few file operations that published results stand on, each one step that may be the last before a crash. Tests
 * implement them in memory, with a page cache that a crash empties.
 */
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { constants } from 'node:fs'
import { dirname } from 'node:path'

export interface FileSystem {
  /** With all folders above it. */
  makeFolder(path: string): Promise<void>
  /** `null` when there is no such file. */
  readText(path: string): Promise<string | null>
  /** Opens for writing; makes an empty file where there is none. */
  open(path: string): Promise<OpenFile>
  /** Replaces `to`, atomically. */
  rename(from: string, to: string): Promise<void>
  /** An absent file is no error. */
  remove(path: string): Promise<void>
  /** After it, files made and renamed in the folder are there after a crash too. */
  syncFolder(path: string): Promise<void>
}

export interface OpenFile {
  size(): Promise<number>
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(size: number): Promise<void>
  /** After it, content and size are there after a crash too. */
  sync(): Promise<void>
  close(): Promise<void>
}

export const nodeFileSystem: FileSystem = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true })
  },
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
      // Size is flushed too, as reading needs it; times are not.
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
    // Windows cannot open a folder, and needs no such step.
    if (process.platform === 'win32') return
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

/** Write beside, sync, rename, sync the folder: after a crash there is the old text or the new one, whole. */
export async function replaceFile(files: FileSystem, path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await files.open(temporary)
  try {
    await file.truncate(0)
    await file.write(Buffer.from(text), 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
  await files.syncFolder(dirname(path))
}

/** The system's code of an error, `''` when it has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code ?? ''
}
