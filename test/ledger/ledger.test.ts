import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { attemptId } from '../../src/ledger/attempt-id.ts'
import {
  emptyLedger,
  encodeLedger,
  isOwnedBy,
  MAX_ABANDONED,
  MAX_LEDGER_BYTES,
  parseLedger,
  readLedger,
  type AnnouncedPages,
  type Ledger,
} from '../../src/ledger/ledger.ts'

const TEN_DIGITS = 9_999_999_999
const FULL_PAGES: Required<AnnouncedPages> = {
  accs: TEN_DIGITS,
  late: TEN_DIGITS,
  amended: TEN_DIGITS,
  open: TEN_DIGITS,
  contents: TEN_DIGITS,
  roster: TEN_DIGITS,
  dead: TEN_DIGITS,
  states: TEN_DIGITS,
  results: TEN_DIGITS,
  quarantined: TEN_DIGITS,
  total: TEN_DIGITS,
  certificate: TEN_DIGITS,
  index: TEN_DIGITS,
}
const DIGEST = 'd'.repeat(43)
const OWNER = { job: 'j'.repeat(20), partition: TEN_DIGITS, epoch: TEN_DIGITS, token: 't'.repeat(8) }
const ATTEMPT = attemptId({ ...OWNER, commit: TEN_DIGITS })

/** Every text at its longest, every number at ten digits or as many as it can have, every list full. */
const LARGEST: Required<Ledger> = {
  format: 2,
  ...OWNER,
  commit: TEN_DIGITS,
  digest: DIGEST,
  resumeOffset: Number.MAX_SAFE_INTEGER,
  lastRecord: Number.MAX_SAFE_INTEGER,
  certified: { sequence: TEN_DIGITS, digest: DIGEST, through: Number.MAX_SAFE_INTEGER },
  watermark: -8.64e15,
  closedThrough: -8.64e15,
  counts: {
    consumed: Number.MAX_SAFE_INTEGER,
    accepted: Number.MAX_SAFE_INTEGER,
    duplicate: Number.MAX_SAFE_INTEGER,
    conflict: Number.MAX_SAFE_INTEGER,
    late: Number.MAX_SAFE_INTEGER,
    rejected: Number.MAX_SAFE_INTEGER,
    manifests: Number.MAX_SAFE_INTEGER,
  },
  published: { commit: TEN_DIGITS, digest: DIGEST },
  intent: {
    attempt: ATTEMPT,
    commit: TEN_DIGITS,
    epoch: TEN_DIGITS,
    cut: Number.MAX_SAFE_INTEGER,
    window: -8.64e15,
    trigger: 'complete',
    request: 'r'.repeat(8),
    pages: FULL_PAGES,
  },
  index: { attempt: ATTEMPT, digest: DIGEST },
  abandoned: Array.from({ length: MAX_ABANDONED }, () => ({ attempt: ATTEMPT, pages: FULL_PAGES })),
  goal: { offset: Number.MAX_SAFE_INTEGER, isReached: false },
}

describe('the ledger', () => {
  it('takes at most 4096 bytes, even the largest possible one', () => {
    const bytes = Buffer.byteLength(encodeLedger(LARGEST))
    expect(bytes).toBeLessThanOrEqual(MAX_LEDGER_BYTES)
    expect(MAX_LEDGER_BYTES).toBe(4096)
    // Near the bound, or this would not be the largest.
    expect(bytes).toBeGreaterThan(3000)
  })

  it('is never written if it is larger', () => {
    const abandoned = Array.from({ length: 3 * MAX_ABANDONED }, () => ({ attempt: ATTEMPT, pages: FULL_PAGES }))
    expect(() => encodeLedger({ ...LARGEST, abandoned })).toThrow('passes 4096')
  })

  it('is read as it was written', () => {
    expect(parseLedger(encodeLedger(LARGEST), 'key')).toEqual(LARGEST)
  })

  it('of another format is refused with its format, before anything is read from it', async () => {
    const store = new MemoryStore()
    await store.insert('job-3-ledger', JSON.stringify({ ...emptyLedger('job', 3, 0), format: 1 }))
    await expect(readLedger(store, 'job', 3)).rejects.toMatchObject({
      code: 'LEDGER_FORMAT',
      message: expect.stringContaining('job-3-ledger has format 1') as string,
    })
  })

  it('that is not JSON is a retryable error that shows the text', async () => {
    const store = new MemoryStore()
    await store.insert('job-3-ledger', '{"format":')
    await expect(readLedger(store, 'job', 3)).rejects.toMatchObject({
      code: 'LEDGER_UNREADABLE',
      disposition: 'retryable',
      message: expect.stringContaining('"{\\"format\\":"') as string,
    })
  })

  it('that does not exist is null', async () => {
    expect(await readLedger(new MemoryStore(), 'job', 0)).toBeNull()
  })

  it('is owned by epoch and token together', () => {
    expect(isOwnedBy(LARGEST, OWNER)).toBe(true)
    expect(isOwnedBy(LARGEST, { ...OWNER, epoch: 1 })).toBe(false)
    expect(isOwnedBy(LARGEST, { ...OWNER, token: 'u' })).toBe(false)
  })
})
