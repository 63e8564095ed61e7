/**
 * Publishes the commits of one partition exactly once.
 *
 * - P1 The name of a file contains its partition and commit, and the content follows from these alone: the ledger decides
 *   once what a commit publishes. So a commit that is written again replaces its files by equal ones, and a former owner
 *   of the partition that still publishes does no harm.
 * - P2 A file appears as a whole: it is written elsewhere, synced and renamed.
 * - P3 The marker is written after all files of the commit, as a file of its own name. It never goes back: a former owner
 *   adds lower markers only, and the highest one counts.
 */
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { codeOf, writeSynced, type FileSystem } from '../../adapters/files/file-system.ts'
import { resultsWriteError } from '../../adapters/files/result-writer.ts'
import { canonicalJson } from '../../core/json.ts'
import { WindrowError } from '../../errors/index.ts'
import type { AtomicPublisher, AtomicPublishers, OutboxBatch, PublishedMarker } from '../../ports/index.ts'
import { filesOfCommit } from './files.ts'
import { lastCommitOf, markerNameOf, markersIn, TEMPORARY_IN } from './layout.ts'

export interface ParquetPublisherOptions {
  readonly files: FileSystem
  readonly folder: string
  readonly deadLetters: string
  readonly job: string
}

interface StoredMarker extends PublishedMarker {
  readonly format: 1
  readonly job: string
}

export function createParquetPublishers(options: ParquetPublisherOptions): AtomicPublishers {
  return {
    async open(partition) {
      const { files, folder } = options
      const markers = join(folder, markersIn(partition))
      try {
        await makeFolder(files, join(folder, TEMPORARY_IN))
        await makeFolder(files, markers)
        await removeTemporaries(files, folder, partition)
        return new ParquetPublisher(options, partition, await readMarker(options, markers))
      } catch (error) {
        throw resultsWriteError(error, folder)
      }
    },
  }
}

/** What a crash has left. A former owner that is still writing one of them fails, as it should. */
async function removeTemporaries(files: FileSystem, folder: string, partition: number): Promise<void> {
  const temporary = join(folder, TEMPORARY_IN)
  for (const name of await files.list(temporary)) {
    if (name.startsWith(`${partition}-`)) await files.remove(join(temporary, name))
  }
}

/** The marker of the highest commit. Lower ones are left by a crash. */
async function readMarker({ files, job, folder }: ParquetPublisherOptions, markers: string) {
  const commit = lastCommitOf(await files.list(markers))
  if (commit === null) return null
  const text = await files.readText(join(markers, markerNameOf(commit)))
  if (text === null) throw new Error(`${markers} has no ${markerNameOf(commit)} any more`)
  const marker = JSON.parse(text) as StoredMarker
  if (marker.job === job) return { commit: marker.commit, digest: marker.digest }
  throw new WindrowError(`the folder ${folder} has the results of job ${marker.job}, not of ${job}`, {
    code: 'RESULTS_OF_ANOTHER_JOB',
  })
}

class ParquetPublisher implements AtomicPublisher {
  readonly marker: PublishedMarker | null
  readonly #options: ParquetPublisherOptions
  readonly #partition: number
  #published: PublishedMarker | null
  /** Folders that exist. */
  readonly #folders = new Set<string>()

  constructor(options: ParquetPublisherOptions, partition: number, marker: PublishedMarker | null) {
    this.#options = options
    this.#partition = partition
    this.#published = this.marker = marker
  }

  async publish(batch: OutboxBatch): Promise<void> {
    const { folder, deadLetters } = this.#options
    try {
      for (const file of filesOfCommit(batch, this.#partition)) {
        await this.#store(file.isDeadLetters ? deadLetters : join(folder, file.folder), file.name, file.bytes)
      }
      await this.#storeMarker(batch.marker)
    } catch (error) {
      throw resultsWriteError(error, folder)
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** P3. */
  async #storeMarker(marker: PublishedMarker): Promise<void> {
    const { files, job, folder } = this.#options
    const markers = join(folder, markersIn(this.#partition))
    const { commit, digest } = marker
    const text = canonicalJson({ format: 1, job, commit, digest })
    await this.#store(markers, markerNameOf(commit), Buffer.from(text))
    const before = this.#published
    this.#published = marker
    if (before !== null && before.commit < commit) await files.remove(join(markers, markerNameOf(before.commit)))
  }

  /** P2. */
  async #store(folder: string, name: string, bytes: Uint8Array): Promise<void> {
    const { files } = this.#options
    if (!this.#folders.has(folder)) await makeFolder(files, folder)
    this.#folders.add(folder)
    const temporary = join(this.#options.folder, TEMPORARY_IN, `${this.#partition}-${randomUUID()}.tmp`)
    await writeSynced(files, temporary, bytes)
    await this.#rename(temporary, join(folder, name))
    await files.syncFolder(folder)
  }

  async #rename(from: string, to: string): Promise<void> {
    try {
      await this.#options.files.rename(from, to)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      const message = `${from} is gone: a later publisher of partition ${this.#partition} has removed it`
      throw new WindrowError(message, { code: 'PUBLISHER_FENCED', cause: error })
    }
  }
}

/** Creates the folder so that it survives a crash. */
async function makeFolder(files: FileSystem, folder: string): Promise<void> {
  await files.makeFolder(folder)
  await files.syncFolder(dirname(folder))
}
