/** Reads the ledgers of a job over HTTP from any sidecar that is up, without using Windrow's own client. */
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { StackDescription } from '../../src/dev/stack/index.ts'
import { ledgerKey } from '../../src/ledger/attempt-id.ts'
import { STATE_STORE_NAME } from '../../src/dev/stack/description.ts'

const TIMEOUT_MS = 5_000

/** The response of a sidecar to a GET; `null` if no sidecar answers now. */
export async function askSidecar(stack: StackDescription, path: string): Promise<string | null> {
  for (const { ports } of stack.daprds) {
    try {
      const url = `http://127.0.0.1:${ports.http}${path}`
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      if (response.ok) return await response.text()
    } catch (error) {
      // The sidecar is down or its connection was cut: the caller polls again. Anything else is an error of the harness.
      if (!(error instanceof TypeError) && (error as Error).name !== 'TimeoutError') throw error
    }
  }
  return null
}

/** The ledger of each partition; `null` for one that does not exist or cannot be read now. */
export async function ledgersOf(stack: StackDescription, job: string, partitions: number): Promise<(Ledger | null)[]> {
  const all = Array.from({ length: partitions }, async (_, partition) => {
    const text = await askSidecar(stack, `/v1.0/state/${STATE_STORE_NAME}/${ledgerKey(job, partition)}`)
    return text === null || text === '' ? null : (JSON.parse(text) as Ledger)
  })
  return Promise.all(all)
}
