/** Reads published lines of a file, as far as the side file of the results says that they are published. */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { codeOf } from '../../adapters/files/file-system.ts'
import type { FedLine, Feed, LineAt } from './feed.ts'

const PIECE_BYTES = 1024 * 1024
const NEWLINE = 0x0a

export interface FileFeedOptions {
  readonly path: string
  /** How many bytes of the file are published; `null`: all of it, since there is no side file. */
  readonly publishedBytes: () => Promise<number | null>
  /** At most so many bytes before the end are read at the start. */
  readonly maxBytes: number
}

export class FileFeed implements Feed {
  readonly #options: FileFeedOptions
  #at: number | null = null
  #total = 0
  #isTruncated = false

  constructor(options: FileFeedOptions) {
    this.#options = options
  }

  get progress(): Feed['progress'] {
    return { done: this.#at ?? 0, total: this.#total }
  }

  get isTruncated(): boolean {
    return this.#isTruncated
  }

  async sync(onLines: (lines: readonly FedLine[]) => void, signal: AbortSignal): Promise<'read' | 'restarted'> {
    const { path, publishedBytes, maxBytes } = this.#options
    const end = await endOf(path, await publishedBytes())
    if (this.#at !== null && end < this.#at) {
      this.#at = null
      this.#isTruncated = false
      return 'restarted'
    }
    this.#total = end
    if (end === (this.#at ?? 0)) return 'read'
    const file = await open(path, 'r')
    try {
      this.#at ??= await this.#startIn(file, end - maxBytes)
      while (this.#at < end && !signal.aborted) {
        const { lines, next } = await piece(file, this.#at, end)
        if (next === this.#at) break
        this.#at = next
        onLines(lines)
      }
    } finally {
      await file.close()
    }
    return 'read'
  }

  async read(places: readonly { readonly at: LineAt }[]): Promise<(string | null)[]> {
    if (places.length === 0) return []
    const file = await open(this.#options.path, 'r')
    try {
      const lines: (string | null)[] = []
      for (const { at } of places) {
        const bytes = Buffer.alloc(at.length)
        const { bytesRead } = await file.read(bytes, 0, at.length, at.position)
        lines.push(bytesRead === at.length ? bytes.toString() : null)
      }
      return lines
    } finally {
      await file.close()
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** The first line that begins at or after `from`. */
  async #startIn(file: FileHandle, from: number): Promise<number> {
    if (from <= 0) return 0
    this.#isTruncated = true
    const { bytes } = await readAt(file, from, PIECE_BYTES)
    return from + bytes.indexOf(NEWLINE) + 1
  }
}

async function endOf(path: string, published: number | null): Promise<number> {
  if (published !== null) return published
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    throw error
  }
}

async function readAt(file: FileHandle, from: number, length: number): Promise<{ readonly bytes: Buffer }> {
  const buffer = Buffer.allocUnsafe(length)
  const { bytesRead } = await file.read(buffer, 0, length, from)
  return { bytes: buffer.subarray(0, bytesRead) }
}

/** Whole lines from `from` on, about a megabyte of them, or one longer line. */
async function piece(file: FileHandle, from: number, end: number): Promise<{ lines: FedLine[]; next: number }> {
  for (let size = PIECE_BYTES; ; size *= 2) {
    const { bytes } = await readAt(file, from, Math.min(size, end - from))
    const lines: FedLine[] = []
    let start = 0
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, start)) {
      if (newline > start) {
        const at = { position: from + start, length: newline - start }
        lines.push({ partition: null, at, line: bytes.toString('utf8', start, newline), publishedAtMs: null })
      }
      start = newline + 1
    }
    if (start > 0 || bytes.length < size) return { lines, next: from + start }
  }
}
