import { describe, expect, it } from 'vitest'
import { createSemaphore } from '../../../src/adapters/dapr/semaphore.ts'

describe('createSemaphore', () => {
  it('never admits more holders than permits, in any order of work', async () => {
    const semaphore = createSemaphore(3)
    let inside = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await semaphore.acquire()
        most = Math.max(most, ++inside)
        for (let turn = 0; turn < i % 4; turn++) await Promise.resolve()
        inside--
        semaphore.release()
      }),
    )
    expect(most).toBe(3)
    expect(inside).toBe(0)
  })

  it('grants permits in order of request; a newcomer does not overtake', async () => {
    const semaphore = createSemaphore(1)
    const served: string[] = []
    const ask = (name: string) => semaphore.acquire().then(() => served.push(name))
    await ask('first')
    const waiting = [ask('second'), ask('third')]
    semaphore.release()
    waiting.push(ask('newcomer'))
    for (const turn of waiting) {
      await turn
      semaphore.release()
    }
    expect(served).toEqual(['first', 'second', 'third', 'newcomer'])
  })
})
