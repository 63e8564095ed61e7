/** What one attempt at a commit publishes, as it comes: results in order, and dead letters of VM windows in quarantine. */
import type { PromotedMark, VmWindowResult } from '../../core/close-vm-window.ts'
import type { Json } from '../../core/json.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { PageWriter, type ChunkSet } from '../../ledger/chunks.ts'
import type { StateStore } from '../../ports/index.ts'
import { rowAndLineOf } from '../../ledger/result-line.ts'
import { ResultsDigest } from './certify.ts'

export const PROMOTED_ROWS_PER_PAGE = OUTPUT_ROWS_PER_PAGE / 2

export class CommitOutput {
  readonly digest = new ResultsDigest()
  readonly #results: PageWriter
  readonly #quarantined: PageWriter

  readonly #mark: PromotedMark | null

  /** `mark`: on each result of a promotion. */
  constructor(store: StateStore, attempt: string, mark: PromotedMark | null = null) {
    this.#mark = mark
    // A page has room for so many rows without a mark, and a mark is shorter than a row may be.
    const rowsPerPage = mark === null ? OUTPUT_ROWS_PER_PAGE : PROMOTED_ROWS_PER_PAGE
    this.#results = new PageWriter(store, attempt, 'results', rowsPerPage)
    this.#quarantined = new PageWriter(store, attempt, 'quarantined', OUTPUT_ROWS_PER_PAGE)
  }

  async add(one: VmWindowResult): Promise<void> {
    const result = this.#mark === null ? one : { ...one, promoted: this.#mark }
    const { row, line } = rowAndLineOf(result as unknown as Record<string, Json>)
    await this.#results.addLine(row)
    this.digest.add(line)
    if (result.reason === 'quarantined') await this.#quarantined.add(quarantineRow(result))
  }

  async end(): Promise<{ readonly results: ChunkSet; readonly quarantined: ChunkSet }> {
    return { results: await this.#results.end(), quarantined: await this.#quarantined.end() }
  }
}

/** The dead letter of a VM window: there is no single record to show, the window's points are all in the topic. */
function quarantineRow(result: VmWindowResult): Json {
  return {
    reason: 'quarantined',
    detail: result.error ?? '',
    vmId: result.vmId,
    windowStart: result.windowStart,
    received: result.received,
  }
}
