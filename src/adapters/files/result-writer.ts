/**
 * The only writer of a results file, its dead letters and its certificates, for all partitions of the process.
 *
 *   append to each → sync each → replace the side file
 *
 * Replacing the side file is the commit: bytes beyond the lengths that it records were never published and are truncated
 * when a writer opens the files. Batches that arrive during a round share the next round and its syncs. After an error the
 * writer cannot be used again: only the next writer can determine whether the last round became durable.
 */
import { dirname } from 'node:path'
import { WindrowError, messageOf } from '../../errors/index.ts'
import type { OutboxBatch, PublishedMarker } from '../../ports/index.ts'
import { lockFile } from './file-lock.ts'
import type { FileLock } from './file-lock.ts'
import { codeOf } from './file-system.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import { emptySideFile, readSideFile, replaceSideFile } from './side-file.ts'
import type { ResultPaths, SideFile } from './side-file.ts'

/** Outputs that are published together, each to its own file. */
const OUTPUTS = ['results', 'deadLetters', 'certificates'] as const
type OutputFiles = Readonly<Record<(typeof OUTPUTS)[number], OpenFile>>

interface Waiting {
  readonly partition: number
  readonly batch: OutboxBatch
  readonly resolve: () => void
  readonly reject: (error: WindrowError) => void
}

export class ResultWriter {
  readonly #files: FileSystem
  readonly #paths: ResultPaths
  readonly #lock: FileLock
  readonly #opened: OutputFiles
  #side: SideFile
  #waiting: Waiting[] = []
  #round: Promise<void> | null = null
  #failure: WindrowError | null = null

  private constructor(files: FileSystem, paths: ResultPaths, lock: FileLock, opened: OutputFiles, side: SideFile) {
    this.#files = files
    this.#paths = paths
    this.#lock = lock
    this.#opened = opened
    this.#side = side
  }

  static async open(files: FileSystem, job: string, paths: ResultPaths): Promise<ResultWriter> {
    const opened: OpenFile[] = []
    let lock: FileLock | null = null
    try {
      for (const output of OUTPUTS) await files.makeFolder(dirname(paths[output]))
      lock = await lockFile(files, `${paths.results}.windrow.lock`)
      const stored = await readSideFile(files, job, paths)
      const side = stored ?? emptySideFile(job, paths)
      const results = await openFile(files, paths.results, opened)
      const deadLetters = await openFile(files, paths.deadLetters, opened)
      const certificates = await openFile(files, paths.certificates, opened)
      const outputs: OutputFiles = { results, deadLetters, certificates }
      for (const output of OUTPUTS) await files.syncFolder(dirname(paths[output]))
      if (stored === null) {
        for (const output of OUTPUTS) await assertEmpty(outputs[output], paths[output])
        // Before the first result: after a crash, results without a side file would be refused.
        await replaceSideFile(files, paths.results, side)
      } else {
        for (const output of OUTPUTS) await cutTail(outputs[output], paths[output], side[output].bytes)
      }
      return new ResultWriter(files, paths, lock, outputs, side)
    } catch (error) {
      // Failures here have the same cause and would hide it.
      await Promise.allSettled([...opened.map((file) => file.close()), lock?.release()])
      throw resultsWriteError(error, paths.results)
    }
  }

  get hasFailed(): boolean {
    return this.#failure !== null
  }

  /** Waits for the current round, then returns how far the partition is published. */
  async markerOf(partition: number): Promise<PublishedMarker | null> {
    while (this.#round !== null) await this.#round
    return this.#side.partitions[String(partition)] ?? null
  }

  publish(partition: number, batch: OutboxBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ partition, batch, resolve, reject })
      this.#round ??= this.#run()
    })
  }

  /** Publishes the waiting batches, then closes the files and releases the lock. */
  async close(): Promise<void> {
    while (this.#round !== null) await this.#round
    try {
      for (const output of OUTPUTS) await this.#opened[output].close()
    } finally {
      await this.#lock.release()
    }
  }

  /** Never rejects: each batch's own promise is settled. */
  async #run(): Promise<void> {
    // Let batches that other partitions publish at the same moment join the first round.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const round = this.#waiting
      this.#waiting = []
      try {
        if (this.#failure === null) await this.#write(round)
      } catch (error) {
        this.#failure = resultsWriteError(error, this.#paths.results)
      }
      for (const { resolve, reject } of round) {
        if (this.#failure === null) resolve()
        else reject(this.#failure)
      }
    }
    this.#round = null
  }

  async #write(round: readonly Waiting[]): Promise<void> {
    await this.#lock.assertHeld()
    const partitions: Record<string, PublishedMarker> = { ...this.#side.partitions }
    for (const { partition, batch } of round) {
      const before = partitions[String(partition)]
      if (before !== undefined && batch.marker.commit <= before.commit) {
        throw new Error(`partition ${partition} published commit ${batch.marker.commit} after ${before.commit}`)
      }
      partitions[String(partition)] = batch.marker
    }
    const bytesAfter = (output: (typeof OUTPUTS)[number]): Promise<number> => {
      const lines = round.flatMap(({ batch }) => batch[output])
      return append(this.#opened[output], this.#side[output].bytes, lines)
    }
    const side: SideFile = {
      ...this.#side,
      results: { bytes: await bytesAfter('results') },
      deadLetters: { ...this.#side.deadLetters, bytes: await bytesAfter('deadLetters') },
      certificates: { ...this.#side.certificates, bytes: await bytesAfter('certificates') },
      partitions,
    }
    await replaceSideFile(this.#files, this.#paths.results, side)
    this.#side = side
  }
}

async function openFile(files: FileSystem, path: string, opened: OpenFile[]): Promise<OpenFile> {
  const file = await files.open(path)
  opened.push(file)
  return file
}

/** Returns the length of the file afterwards. */
async function append(file: OpenFile, length: number, lines: readonly string[]): Promise<number> {
  if (lines.length === 0) return length
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  await file.write(bytes, length)
  await file.sync()
  return length + bytes.length
}

async function assertEmpty(file: OpenFile, path: string): Promise<void> {
  const bytes = await file.size()
  if (bytes === 0) return
  throw new WindrowError(
    `${path} exists with ${bytes} bytes, and no side file shows that they are this job's results`,
    { code: 'RESULTS_FILE_EXISTS' },
  )
}

async function cutTail(file: OpenFile, path: string, kept: number): Promise<void> {
  const bytes = await file.size()
  if (bytes < kept) {
    throw new WindrowError(`${path} has ${bytes} bytes, but ${kept} were published`, { code: 'RESULTS_FILE_DAMAGED' })
  }
  if (bytes === kept) return
  await file.truncate(kept)
  await file.sync()
}

/** Codes of errors that a retry cannot resolve. An error without a code is a bug in Windrow. */
const FATAL = new Set(['', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'ENOENT', 'EEXIST', 'ENAMETOOLONG'])

/** Says whether writing results may be retried. Errors of Windrow are returned unchanged. */
export function resultsWriteError(error: unknown, path: string): WindrowError {
  if (error instanceof WindrowError) return error
  const code = codeOf(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WindrowError(`no space is left to write the results to ${path}`, {
      code: 'RESULTS_DISK_FULL',
      cause: error,
    })
  }
  return new WindrowError(`the results cannot be written to ${path}: ${messageOf(error)}`, {
    code: FATAL.has(code) ? 'RESULTS_UNWRITABLE' : 'RESULTS_WRITE_FAILED',
    cause: error,
  })
}
