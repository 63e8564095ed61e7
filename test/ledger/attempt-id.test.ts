import { describe, expect, it } from 'vitest'
import { attemptId, instanceId, jobKey, ledgerKey } from '../../src/ledger/attempt-id.ts'

const WIDEST = { job: 'j'.repeat(20), partition: 9999, commit: 99_999_999, epoch: 99_999, token: 't'.repeat(8) }

describe('ids', () => {
  it('of a large job stay within the limits of Dapr: 64 characters of A-Z, a-z, 0-9, _ and -', () => {
    expect(instanceId(attemptId(WIDEST), 999_999, 2)).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
  })

  it('differ if any part of their origins differs', () => {
    const changed = [
      WIDEST,
      { ...WIDEST, job: 'k' },
      { ...WIDEST, partition: 1 },
      { ...WIDEST, commit: 1 },
      { ...WIDEST, epoch: 1 },
      { ...WIDEST, token: 'u' },
    ]
    const ids = changed.flatMap((origin) => {
      const attempt = attemptId(origin)
      return [attempt, instanceId(attempt, 0, 0), instanceId(attempt, 0, 1), instanceId(attempt, 1, 0)]
    })
    expect(new Set([...ids, ledgerKey('j', 1), jobKey('j')]).size).toBe(ids.length + 2)
  })
})
