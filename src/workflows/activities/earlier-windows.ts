/**
 * The windows that a commit closes before its last one (pipeline/joined-cuts.ts). VM states pass from one to the next in
 * memory. They are stored only after a window whose successor can still be amended: an amendment needs the states before it.
 */
import { FIRST_REVISION, type VmWindowTask } from '../../core/close-vm-window.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { asStored } from '../../core/json.ts'
import { WindowProof } from '../../core/window-proof.ts'
import type { StateRow } from '../../ledger/chunk-rows.ts'
import { PageWriter, readRows } from '../../ledger/chunks.ts'
import type { CertificateHead } from '../../ledger/ledger.ts'
import type { EarlierClose, EarlierOutcome } from '../plan.ts'
import type { AttemptContext } from './attempt-context.ts'
import { certificateOf, headOf, writeCertificate } from './certify.ts'
import { closePartitionWindow } from './close-window.ts'

/** Pages of accumulators that are in memory at once to compute VM windows ahead of their turn; larger windows gain little. */
const MAX_PAGES_AHEAD = 48

export class EarlierWindows {
  readonly #attempt: AttemptContext
  /** Each writes what is still to be written of a window. */
  readonly #ends: (() => Promise<EarlierOutcome>)[] = []
  #certified: CertificateHead
  #nextStatesPage = 0

  constructor(attempt: AttemptContext) {
    this.#attempt = attempt
    this.#certified = attempt.plan.certified
  }

  /** The last certificate so far. */
  get certified(): CertificateHead {
    return this.#certified
  }

  get nextStatesPage(): number {
    return this.#nextStatesPage
  }

  /**
   * Computes the VM windows of all windows of the commit ahead of their turn, if there are several windows. Returns the VM states
   * before the first of them.
   */
  async computeAhead(states: AsyncGenerator<StateRow>): Promise<AsyncGenerator<StateRow>> {
    const { plan, store, runner } = this.#attempt
    if (plan.earlier === undefined || plan.close === null) return states
    const closes = [...plan.earlier.map(({ close }) => close), plan.close]
    if (closes.reduce((sum, { accs }) => sum + accs.digests.length, 0) > MAX_PAGES_AHEAD) return states
    const before: StateRow[] = []
    for await (const row of states) before.push(row)
    const tasks: VmWindowTask[] = []
    for (const { windowStart, windowEnd, accs } of closes) {
      for (const row of await readRows(store, accs)) {
        tasks.push({ windowStart, windowEnd, ...row, revision: FIRST_REVISION, prior: null })
      }
    }
    await runner.runAhead(tasks, new Map(before.map(({ vmId, state }) => [vmId, state])))
    return eachOf(before)
  }

  /** Closes the next window; returns the VM states after it. */
  async close(window: EarlierClose, priors: AsyncGenerator<StateRow>): Promise<AsyncGenerator<StateRow>> {
    const { plan, store, output } = this.#attempt
    const { attempt, rules } = plan
    const at = this.#ends.length
    const rows: StateRow[] = []
    const proof = new WindowProof(rules)
    const closing = await closePartitionWindow(
      window.close,
      priors,
      this.#attempt,
      proof,
      (row) => void rows.push(asStored(row)),
    )
    const { results, quarantined } = output.certify()
    const certificate = certificateOf({ ...plan, ...window, certified: this.#certified }, proof, [], results)
    this.#certified = headOf(certificate)
    const states = await this.#statesOf(at, rows)
    this.#ends.push(async () => {
      const [statesSet, refused, certified] = await Promise.all([
        states?.end() ?? null,
        quarantined.end(),
        writeCertificate(store, attempt, certificate, at),
      ])
      return { closing: { ...closing, states: statesSet }, quarantined: refused, certificate: certified }
    })
    return eachOf(rows)
  }

  end(): Promise<readonly EarlierOutcome[]> {
    return Promise.all(this.#ends.map((end) => end()))
  }

  /** `null` if the window after this one will not be remembered. */
  async #statesOf(at: number, rows: readonly StateRow[]): Promise<PageWriter<'states'> | null> {
    const { plan, store } = this.#attempt
    const windowsAfter = (plan.earlier?.length ?? 0) - at
    if (windowsAfter > plan.rules.amendWindows) return null
    const states = new PageWriter(store, plan.attempt, 'states', OUTPUT_ROWS_PER_PAGE, this.#nextStatesPage)
    for (const row of rows) await states.add(row)
    this.#nextStatesPage = states.nextPage
    return states
  }
}

async function* eachOf(rows: readonly StateRow[]): AsyncGenerator<StateRow> {
  yield* rows
}
