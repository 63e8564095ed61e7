/** Counts what a retry of many dead letters does with each of them. */
import type { NamedLetter } from '../../dead-letters/letter.ts'
import { WindrowError } from '../../errors/index.ts'
import type { RetriedMany, RetryCounts, RetryManyRequest } from './store.ts'

/** Errors that concern one dead letter alone: the others are sent. */
const OF_ONE_LETTER = new Set(['RETRY_IN_VAIN', 'DEAD_LETTER_CUT', 'NOT_A_RECORD', 'NOT_OF_A_TOPIC'])

export class RetryTally {
  readonly #request: RetryManyRequest
  #read = 0
  #sent = 0
  #sentBefore = 0
  #cameBack = 0
  readonly #notSent: { [code: string]: number } = {}
  readonly #sentByReason: { [reason: string]: number } = {}
  /** Reasons of records that are prepared and not sent yet, in order. */
  readonly #pending: string[] = []
  readonly #to = new Set<string>()

  constructor(request: RetryManyRequest) {
    this.#request = request
  }

  /** The letters that are to be sent, prepared one by one, until the signal aborts. `before` says what was sent earlier. */
  async *prepared<T>(
    before: (letter: NamedLetter) => 'sent' | 'came-back' | null,
    prepare: (letter: NamedLetter) => Promise<{ readonly item: T; readonly to: string }>,
  ): AsyncGenerator<T> {
    const { letters, signal } = this.#request
    for await (const named of letters) {
      if (signal.aborted) return
      this.#read++
      const earlier = before(named)
      if (earlier === 'sent') this.#sentBefore++
      else if (earlier === 'came-back') this.#cameBack++
      else {
        const ready = await this.#ready(() => prepare(named))
        if (ready === null) continue
        this.#pending.push(named.letter.reason)
        this.#to.add(ready.to)
        yield ready.item
      }
      this.#request.onProgress(this.#counts())
    }
  }

  async #ready<T>(prepare: () => Promise<T>): Promise<T | null> {
    try {
      return await prepare()
    } catch (error) {
      if (!(error instanceof WindrowError) || !OF_ONE_LETTER.has(error.code)) throw error
      this.#notSent[error.code] = (this.#notSent[error.code] ?? 0) + 1
      return null
    }
  }

  /** The first `sent` of the prepared records are sent by now. */
  sent(sent: number): void {
    for (const reason of this.#pending.splice(0, sent - this.#sent)) {
      this.#sentByReason[reason] = (this.#sentByReason[reason] ?? 0) + 1
    }
    this.#sent = sent
    this.#request.onProgress(this.#counts())
  }

  #counts(): RetryCounts {
    const counts = { read: this.#read, sent: this.#sent, sentBefore: this.#sentBefore, cameBack: this.#cameBack }
    return { ...counts, notSent: { ...this.#notSent } }
  }

  outcome(): RetriedMany {
    const { signal } = this.#request
    return {
      ...this.#counts(),
      ...{ sentByReason: this.#sentByReason, to: [...this.#to].sort(), isStopped: signal.aborted },
    }
  }
}
