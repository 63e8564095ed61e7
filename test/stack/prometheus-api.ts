/** Asks the Prometheus of a stack what it has scraped. */
import { expect, vi } from 'vitest'
import type { Stack } from '../../src/dev/stack/index.ts'

export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

/** An instant query; throws with what Prometheus says of one that it cannot read. */
export async function query(stack: Stack, expression: string): Promise<Sample[]> {
  const url = `http://127.0.0.1:${stack.description.ports.prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`
  const answer = (await (await fetch(url)).json()) as {
    readonly status: string
    readonly error?: string
    readonly data?: { readonly result: { metric: Record<string, string>; value: [number, string] }[] }
  }
  if (answer.data === undefined) throw new Error(`${expression}: ${answer.error ?? answer.status}`)
  return answer.data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }))
}

/** Prometheus has no events to wait for, so it is asked until it has scraped what is wanted. */
const ASK_EVERY_MS = 500
const WITHIN_MS = 60_000

/** Resolves when every expression has an answer; fails with those that still have none. */
export async function untilAnswered(stack: Stack, expressions: readonly string[]): Promise<void> {
  let missing = [...expressions]
  await vi.waitFor(
    async () => {
      const answers = await Promise.all(missing.map((expression) => query(stack, expression)))
      missing = missing.filter((_, i) => answers[i]?.length === 0)
      expect(missing).toEqual([])
    },
    { timeout: WITHIN_MS, interval: ASK_EVERY_MS },
  )
}
