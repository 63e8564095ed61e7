/** Collects what a commit publishes: results in their order, and dead letters of VM windows in quarantine. */
import { FIRST_REVISION, type PromotedMark, type VmWindowResult } from '../../core/close-vm-window.ts'
import type { Certificate } from '../../core/certificate.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { PageWriter } from '../../ledger/chunks.ts'
import type { QuarantineLetter } from '../../ledger/dead-letter.ts'
import type { StateStore } from '../../ports/index.ts'
import { rowAndLineOf } from '../../ledger/result-line.ts'
import type { AggregateOutcome } from '../plan.ts'
import { ResultsDigest } from './certify.ts'

export const PROMOTED_ROWS_PER_PAGE = OUTPUT_ROWS_PER_PAGE / 2

export class CommitOutput {
  readonly #store: StateStore
  readonly #attempt: string
  #digest = new ResultsDigest()
  readonly #results: PageWriter<'results'>
  #quarantined: PageWriter<'quarantined'>
  readonly #mark: PromotedMark | null
  #revisions = 0

  /** `mark` is added to every result of a promotion. */
  constructor(store: StateStore, attempt: string, mark: PromotedMark | null = null) {
    this.#store = store
    this.#attempt = attempt
    this.#mark = mark
    // A page has room for OUTPUT_ROWS_PER_PAGE rows without marks. A mark is never longer than the largest row, so half as many marked rows fit.
    const rowsPerPage = mark === null ? OUTPUT_ROWS_PER_PAGE : PROMOTED_ROWS_PER_PAGE
    this.#results = new PageWriter(store, attempt, 'results', rowsPerPage)
    this.#quarantined = new PageWriter(store, attempt, 'quarantined', OUTPUT_ROWS_PER_PAGE)
  }

  async add(one: VmWindowResult): Promise<void> {
    const result = this.#mark === null ? one : { ...one, promoted: this.#mark }
    const { row, line } = rowAndLineOf<VmWindowResult>(result)
    await this.#results.addLine(row)
    this.#digest.add(line)
    if (result.revision > FIRST_REVISION) this.#revisions++
    if (result.reason === 'quarantined') await this.#quarantined.add(quarantineRow(result))
  }

  /** Ends what one certificate covers. Results that are added from now on belong to the next one. */
  certify(): { readonly results: Certificate['results']; readonly quarantined: PageWriter<'quarantined'> } {
    const results = { count: this.#digest.count, digest: this.#digest.end() }
    const quarantined = this.#quarantined
    this.#digest = new ResultsDigest()
    const { nextPage } = quarantined
    this.#quarantined = new PageWriter(this.#store, this.#attempt, 'quarantined', OUTPUT_ROWS_PER_PAGE, nextPage)
    return { results, quarantined }
  }

  async end(): Promise<Pick<AggregateOutcome, 'results' | 'revisions'>> {
    return { results: await this.#results.end(), revisions: this.#revisions }
  }
}

function quarantineRow(result: VmWindowResult): QuarantineLetter {
  return {
    reason: 'quarantined',
    detail: result.error ?? '',
    vmId: result.vmId,
    windowStart: result.windowStart,
    received: result.received,
  }
}
