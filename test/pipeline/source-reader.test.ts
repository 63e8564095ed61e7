/** Waiting for a source with a timeout: no event is lost or requested twice, however long the source is silent. */
import { expect, it } from 'vitest'
import type { OpenSource, SourceEvent } from '../../src/ports/index.ts'
import { SourceReader } from '../../src/pipeline/source-reader.ts'
import { caughtUp, END } from '../support/script-source.ts'

/** A source whose answers, and a clock whose pauses, the test resolves. */
function made() {
  const asked: { resolve: (event: SourceEvent) => void; reject: (error: Error) => void }[] = []
  const source: OpenSource = {
    logStart: 0,
    logEnd: 0,
    next: () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    close: () => Promise.resolve(),
  }
  const pauses: (() => void)[] = []
  const clock = {
    nowMs: () => 0,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        pauses.push(resolve)
        signal?.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  return { reader: new SourceReader(source, clock), asked, pauses }
}

it('an event that arrives after a wait has timed out is returned next, and is requested once', async () => {
  const { reader, asked, pauses } = made()
  for (let wait = 0; wait < 3; wait++) {
    const next = reader.next(1000)
    pauses[wait]?.()
    expect(await next).toBeNull()
  }
  expect(asked).toHaveLength(1)
  const next = reader.next(1000)
  asked[0]?.resolve(END)
  expect(await next).toBe(END)
  const after = reader.next(1000)
  asked[1]?.resolve(caughtUp(1, 2))
  expect(await after).toEqual(caughtUp(1, 2))
})

it('an error of the source is thrown', async () => {
  const { reader, asked } = made()
  const next = reader.next(1000)
  asked[0]?.reject(new Error('revoked'))
  await expect(next).rejects.toThrow('revoked')
})

it('ends its wait when it is closed', async () => {
  const { reader } = made()
  const next = reader.next(1000)
  reader.close()
  expect(await next).toBeNull()
})
