/**
 * The windows that a commit closes before its last one (pipeline/joined-cuts.ts). VM states pass from one to the next in
 * memory. They are stored only after a window whose successor can still be amended: an amendment needs the states before it.
 */
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { WindowProof } from '../../core/window-proof.ts'
import type { StateRow } from '../../ledger/chunk-rows.ts'
import { PageWriter } from '../../ledger/chunks.ts'
import type { CertificateHead } from '../../ledger/ledger.ts'
import type { EarlierClose, EarlierOutcome } from '../plan.ts'
import type { AttemptContext } from './attempt-context.ts'
import { certificateOf, headOf, writeCertificate } from './certify.ts'
import { closePartitionWindow } from './close-window.ts'

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

  /** Closes the next window; returns the VM states after it. */
  async close(window: EarlierClose, priors: AsyncGenerator<StateRow>): Promise<AsyncGenerator<StateRow>> {
    const { plan, store, output } = this.#attempt
    const { attempt, rules } = plan
    const at = this.#ends.length
    const rows: StateRow[] = []
    const proof = new WindowProof(rules)
    const closing = await closePartitionWindow(window.close, priors, this.#attempt, proof, (row) => void rows.push(row))
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
