/**
 * Exactly-once publishing to files: results to one NDJSON file, dead letters and certificates to two others, all or none.
 * See result-writer.ts for how a batch is committed.
 */
import { WindrowError } from '../../errors/index.ts'
import type { AtomicPublisher, AtomicPublishers } from '../../ports/index.ts'
import { nodeFileSystem } from './file-system.ts'
import type { FileSystem } from './file-system.ts'
import { ResultWriter } from './result-writer.ts'

export interface FilePublisherOptions {
  readonly results: string
  readonly deadLetters: string
  readonly certificates: string
  readonly job: string
  /** @internal Tests crash between any two steps of it. */
  readonly files?: FileSystem
}

export function createFilePublisherFactory(options: FilePublisherOptions): AtomicPublishers {
  const shared = new SharedWriter(options)
  /** The current publisher of each partition. Earlier publishers are fenced. */
  const current = new Map<number, AtomicPublisher>()

  return {
    async open(partition) {
      // Fence first, so that an earlier publisher adds nothing after the marker that is read below.
      current.delete(partition)
      const writer = await shared.acquire()
      const marker = await writer.markerOf(partition)
      let isOpen = true
      const publisher: AtomicPublisher = {
        marker,
        async publish(batch) {
          if (current.get(partition) !== publisher) throw fenced(partition)
          await writer.publish(partition, batch)
        },
        async close() {
          if (!isOpen) return
          isOpen = false
          if (current.get(partition) === publisher) current.delete(partition)
          await shared.release(writer)
        },
      }
      current.set(partition, publisher)
      return publisher
    },
  }
}

/** The writer that all publishers share: opened for the first, closed with the last, replaced after a failure. */
class SharedWriter {
  readonly #options: FilePublisherOptions
  readonly #users = new Map<ResultWriter, number>()
  #writer: ResultWriter | null = null
  /** Opening and closing are serialized, since two writers must never have the files open. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: FilePublisherOptions) {
    this.#options = options
  }

  acquire(): Promise<ResultWriter> {
    return this.#inTurn(async () => {
      if (this.#writer?.hasFailed === true) await this.#retire(this.#writer)
      const { files = nodeFileSystem, job, results, deadLetters, certificates } = this.#options
      this.#writer ??= await ResultWriter.open(files, job, { results, deadLetters, certificates })
      this.#users.set(this.#writer, (this.#users.get(this.#writer) ?? 0) + 1)
      return this.#writer
    })
  }

  release(writer: ResultWriter): Promise<void> {
    return this.#inTurn(async () => {
      const users = this.#users.get(writer)
      // A failed writer was closed when the next one was opened.
      if (users === undefined) return
      this.#users.set(writer, users - 1)
      if (users === 1) await this.#retire(writer)
    })
  }

  async #retire(writer: ResultWriter): Promise<void> {
    this.#writer = null
    this.#users.delete(writer)
    await writer.close()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function fenced(partition: number): WindrowError {
  return new WindrowError(`a later publisher of partition ${partition} has taken over`, { code: 'PUBLISHER_FENCED' })
}
