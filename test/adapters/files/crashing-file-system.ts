/**
 * A file system in memory with a page cache. When the machine crashes, unsynced data may be lost, whole or in part, and
 * so may names that were created or changed in an unsynced folder. Any step can be made to fail.
 */
import { basename, dirname } from 'node:path'
import type { FileSystem, OpenFile } from '../../../src/adapters/files/file-system.ts'

interface Inode {
  content: Buffer
  durable: Buffer
}

/** Whether a step that fails was not done, done, or, for a write, half done. */
export type FailureMode = 'before' | 'after' | 'half'

export class CrashingFileSystem implements FileSystem {
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  /** Number of steps that were begun. */
  steps = 0
  /** Called before each step; throws to make the step fail. */
  failAt: { step: number; mode: FailureMode; error: Error; isFinal: boolean } | null = null

  /** The machine crashes and restarts; `random` decides which unsynced changes survive. */
  crash(random: () => number): void {
    this.failAt = null
    const names = new Map<string, Inode>()
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const kept = random() < 0.5 ? this.#names.get(path) : this.#durableNames.get(path)
      if (kept !== undefined) names.set(path, kept)
    }
    for (const inode of new Set(names.values())) {
      const { content, durable } = inode
      const lucky = random()
      if (lucky < 0.4) inode.content = Buffer.from(durable)
      else if (lucky < 0.7) inode.content = content.subarray(0, Math.floor(content.length * random()))
      if (inode.content.length < durable.length) inode.content = Buffer.from(durable)
      inode.durable = Buffer.from(inode.content)
    }
    this.#names = names
    this.#durableNames = new Map(names)
  }

  text(path: string): string {
    return this.#names.get(path)?.content.toString() ?? ''
  }

  /** All files with their content. */
  contents(): ReadonlyMap<string, Buffer> {
    return new Map([...this.#names].map(([path, { content }]) => [path, content]))
  }

  put(path: string, text: string): void {
    const inode = { content: Buffer.from(text), durable: Buffer.from(text) }
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  async makeFolder(): Promise<void> {
    await this.#step(() => {})
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#step(() => {})
    return [...this.#names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path))
  }

  async readText(path: string): Promise<string | null> {
    await this.#step(() => {})
    return this.#names.get(path)?.content.toString() ?? null
  }

  async open(path: string): Promise<OpenFile> {
    await this.#step(() => {
      if (!this.#names.has(path)) this.#names.set(path, { content: Buffer.alloc(0), durable: Buffer.alloc(0) })
    })
    const inode = this.#names.get(path) as Inode
    return {
      size: async () => {
        await this.#step(() => {})
        return inode.content.length
      },
      write: (bytes, position) =>
        this.#step((share) => {
          const part = bytes.subarray(0, Math.floor(bytes.length * share))
          const end = Math.max(inode.content.length, position + part.length)
          const content = Buffer.concat([inode.content], end)
          content.set(part, position)
          inode.content = content
        }),
      truncate: (size) =>
        this.#step(() => {
          inode.content = inode.content.subarray(0, size)
          // A truncation is of the file's size, which a crash keeps or does not; the model keeps it.
          inode.durable = inode.durable.subarray(0, size)
        }),
      sync: () =>
        this.#step(() => {
          inode.durable = Buffer.from(inode.content)
        }),
      close: () => this.#step(() => {}),
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step(() => {
      const inode = this.#names.get(from)
      if (inode === undefined) throw Object.assign(new Error(`no such file: ${from}`), { code: 'ENOENT' })
      this.#names.set(to, inode)
      this.#names.delete(from)
    })
  }

  async remove(path: string): Promise<void> {
    await this.#step(() => {
      this.#names.delete(path)
    })
  }

  async syncFolder(path: string): Promise<void> {
    await this.#step(() => {
      for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
        if (dirname(name) !== path) continue
        const inode = this.#names.get(name)
        if (inode === undefined) this.#durableNames.delete(name)
        else this.#durableNames.set(name, inode)
      }
    })
  }

  async #step(apply: (share: number) => void): Promise<void> {
    await Promise.resolve()
    const step = this.steps++
    const failAt = this.failAt
    if (failAt === null || step < failAt.step || (step > failAt.step && !failAt.isFinal)) {
      apply(1)
      return
    }
    if (step === failAt.step && failAt.mode !== 'before') apply(failAt.mode === 'half' ? 0.5 : 1)
    throw failAt.error
  }
}
