/** What one attempt at a commit publishes, as it comes: results in order, and dead letters of VM windows in quarantine. */
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { PageWriter, type ChunkSet } from '../../ledger/chunks.ts'
import type { StateStore } from '../../pipeline/ports.ts'
import { ResultsDigest } from './certify.ts'

export class CommitOutput {
  readonly digest = new ResultsDigest()
  readonly #results: PageWriter
  readonly #quarantined: PageWriter

  constructor(store: StateStore, attempt: string) {
    this.#results = new PageWriter(store, attempt, 'results', OUTPUT_ROWS_PER_PAGE)
    this.#quarantined = new PageWriter(store, attempt, 'quarantined', OUTPUT_ROWS_PER_PAGE)
  }

  async add(result: VmWindowResult): Promise<void> {
    const line = canonicalJson(result as unknown as Json)
    await this.#results.addLine(line)
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
