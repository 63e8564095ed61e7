/**
 * What a job has published, as the page's answers need it: indexes of results, certificates and dead letters in bounded memory,
 * kept up to date from files or topics. A call of `sync` reads what is new; nothing changes between two calls, so all answers in
 * between agree with each other.
 *
 *   feed.ts               a growing list of published lines; file-feed.ts, topic-feed.ts, table-feed.ts:
 *                         in a file, in a topic, in a table of PostgreSQL
 *   result-index.ts       results in short, by window and VM; window-columns.ts: the VM windows of one window
 *   certificate-index.ts  certificates in short
 *   letter-index.ts       dead letters in short
 *   open-feeds.ts         the feeds of a job, by its settings
 */
import type { Certificate } from '../../core/certificate.ts'
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import { nameLetter } from '../../dead-letters/letter.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { IndexState } from '../answers.ts'
import { CertificateIndex } from './certificate-index.ts'
import type { FedLine, Feed, LineAt } from './feed.ts'
import { LetterIndex } from './letter-index.ts'
import { ResultIndex } from './result-index.ts'

export interface PublishedFeeds {
  readonly results: Feed
  readonly certificates: Feed
  readonly deadLetters: Feed
}

/** VM windows of results that are kept; about 60 MB. */
const MAX_VM_WINDOWS = 1_000_000
const MAX_CERTIFICATES = 50_000
const MAX_LETTERS = 100_000
/** So many new lines are held back, to appear all at once with the next snapshot; more only come at the start. */
const MAX_HELD = 50_000

export class PublishedIndex {
  readonly results = new ResultIndex(MAX_VM_WINDOWS)
  readonly certificates = new CertificateIndex(MAX_CERTIFICATES)
  readonly letters = new LetterIndex(MAX_LETTERS)
  readonly #feeds: PublishedFeeds
  /** The partition of a VM, for lines whose place does not show it. */
  readonly #partitionOf: (vmId: string) => number
  #held: (() => void)[] = []
  #heldLines = 0
  #isLoaded = false
  #problem: string | null = null

  constructor(feeds: PublishedFeeds, partitionOf: (vmId: string) => number) {
    this.#feeds = feeds
    this.#partitionOf = partitionOf
  }

  /** Raised by every change. */
  get version(): number {
    return this.results.version + this.certificates.version + this.letters.version
  }

  /** Whether everything that was published before the start has been read. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  get state(): IndexState {
    const { done, total } = this.#feeds.results.progress
    let oldest: number | null = null
    for (const { start } of this.results.windows()) if (oldest === null || start < oldest) oldest = start
    return {
      state: this.#problem !== null ? 'unreadable' : this.#isLoaded ? 'ready' : 'loading',
      problem: this.#problem,
      ...{ done, total, oldest },
      vmWindows: this.results.vmWindows,
      isTruncated: this.isTruncated,
    }
  }

  /** Older results exist than those of the index. */
  get isTruncated(): boolean {
    return this.#feeds.results.isTruncated || this.results.hasDropped
  }

  /**
   * Reads what is new. It shows in the indexes when `apply` is called, except at the start, where there is too much to hold back.
   * A problem does not reject: it becomes part of the state, and what was read stays.
   */
  async sync(signal: AbortSignal): Promise<void> {
    const { results, certificates, deadLetters } = this.#feeds
    try {
      // Certificates after results: whatever they certify is in the index then.
      await this.#read(results, this.results, (line) => this.#addResult(line), signal)
      await this.#read(certificates, this.certificates, (line) => this.#addCertificate(line), signal)
      await this.#read(deadLetters, this.letters, (line) => this.#addLetter(line), signal)
      this.#problem = null
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error
      this.#problem = `${error.code}: ${messageOf(error)}`
    }
  }

  /** Makes what was read visible. */
  apply(): void {
    this.#flush()
    if (this.#problem === null) this.#isLoaded = true
  }

  readResults(places: readonly { readonly partition: number; readonly at: LineAt }[]): Promise<(string | null)[]> {
    return this.#feeds.results.read(places)
  }

  readCertificate(partition: number, at: LineAt): Promise<string | null> {
    return this.#feeds.certificates.read([{ partition, at }]).then(([line]) => line ?? null)
  }

  readLetters(
    places: readonly { readonly partition: number | null; readonly at: LineAt }[],
  ): Promise<(string | null)[]> {
    return this.#feeds.deadLetters.read(places)
  }

  async close(): Promise<void> {
    const { results, certificates, deadLetters } = this.#feeds
    await Promise.all([results.close(), certificates.close(), deadLetters.close()])
  }

  async #read(feed: Feed, index: { clear(): void }, add: (line: FedLine) => void, signal: AbortSignal): Promise<void> {
    const onLines = (lines: readonly FedLine[]): void => {
      this.#held.push(() => {
        for (const line of lines) add(line)
      })
      this.#heldLines += lines.length
      if (!this.#isLoaded || this.#heldLines > MAX_HELD) this.#flush()
    }
    if ((await feed.sync(onLines, signal)) === 'restarted') {
      this.#held.push(() => index.clear())
      await feed.sync(onLines, signal)
    }
  }

  #flush(): void {
    const held = this.#held
    this.#held = []
    this.#heldLines = 0
    for (const apply of held) apply()
  }

  #addResult({ partition, at, line }: FedLine): void {
    const result = JSON.parse(line) as VmWindowResult
    this.results.add(partition ?? this.#partitionOf(result.vmId), result, at)
  }

  #addCertificate({ at, line }: FedLine): void {
    this.certificates.add(JSON.parse(line) as Certificate, at)
  }

  #addLetter({ partition, at, line, publishedAtMs }: FedLine): void {
    this.letters.add(nameLetter(line, publishedAtMs), partition, at)
  }
}
