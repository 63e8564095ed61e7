/** The stored halt reason: it belongs to the last owner, its size is bounded, and the next takeover invalidates it. */
import { expect, test } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { WindrowError } from '../../src/errors/index.ts'
import type { ErrorCode } from '../../src/errors/index.ts'
import { haltingError, isTransient, storeHalt, MAX_HALT_CHARS, NO_OWNER, readHalt } from '../../src/ledger/halt.ts'
import { MAX_LEDGER_BYTES, readLedger } from '../../src/ledger/ledger.ts'
import { takeOver } from '../../src/ledger/takeover.ts'
import { failAt, faultyStore } from '../support/faulty-store.ts'

const error = (code: ErrorCode, message = 'it is gone') => new WindrowError(message, { code, remedy: 'Restore it.' })
const ledgerIn = async (store: MemoryStore) => (await readLedger(store, 'job', 0))?.ledger ?? null
const haltIn = async (store: MemoryStore) => readHalt(store, 'job', 0, await ledgerIn(store))
const taken = async (store: MemoryStore, token: string) => (await takeOver(store, 'job', 0, token, 0)).owner

test('a halt is stored with code, message, remedy and time, and the later one of an owner counts', async () => {
  const store = new MemoryStore()
  const owner = await taken(store, 'one')
  expect(await haltIn(store)).toBeNull()
  await storeHalt(store, 'job', 0, owner, error('DATA_LOSS'), 1000)
  await storeHalt(store, 'job', 0, owner, error('STATE_BEHIND', 'it is old'), 2000)
  expect(await haltIn(store)).toEqual({
    ...{ format: 1, epoch: 1, token: 'one', atMs: 2000 },
    ...{ code: 'STATE_BEHIND', message: 'it is old', remedy: 'Restore it.' },
  })
})

test('a takeover invalidates a halt', async () => {
  const store = new MemoryStore()
  await storeHalt(store, 'job', 0, await taken(store, 'one'), error('DATA_LOSS'), 1000)
  await taken(store, 'two')
  expect(await haltIn(store)).toBeNull()
})

test('an owner that was replaced stores no halt, not even if it is replaced during the write', async () => {
  const store = new MemoryStore()
  const one = await taken(store, 'one')
  await storeHalt(store, 'job', 0, one, error('LEDGER_GONE'), 500)
  let isReplaced = false
  const replacing = faultyStore(store, {
    async before({ method }) {
      if (method !== 'swap' || isReplaced) return
      isReplaced = true
      await storeHalt(store, 'job', 0, await taken(store, 'two'), error('INPUT_CHANGED'), 900)
    },
  })
  await storeHalt(replacing, 'job', 0, one, error('DATA_LOSS'), 1000)
  expect(await haltIn(store)).toMatchObject({ code: 'INPUT_CHANGED', token: 'two' })
})

test('a halt before the first takeover is shown until a processor takes the partition over', async () => {
  const store = new MemoryStore()
  await storeHalt(store, 'job', 0, NO_OWNER, error('KAFKA_PARTITION_MISSING'), 1000)
  expect(await haltIn(store)).toMatchObject({ code: 'KAFKA_PARTITION_MISSING' })
  await taken(store, 'one')
  expect(await haltIn(store)).toBeNull()
})

test('a halt is shown for a missing ledger, too', async () => {
  const store = new MemoryStore()
  const owner = await taken(store, 'one')
  await store.delete(['job-0-ledger'])
  await storeHalt(store, 'job', 0, owner, error('LEDGER_GONE'), 1000)
  expect(await haltIn(store)).toMatchObject({ code: 'LEDGER_GONE', epoch: 1 })
})

test('storing a halt again after a lost answer changes nothing', async () => {
  const store = new MemoryStore()
  const owner = await taken(store, 'one')
  const losing = faultyStore(store, { after: failAt(1, ({ method }) => method === 'insert') })
  await expect(storeHalt(losing, 'job', 0, owner, error('DATA_LOSS'), 1000)).rejects.toMatchObject({
    code: 'STATE_STORE_UNAVAILABLE',
  })
  await storeHalt(losing, 'job', 0, owner, error('DATA_LOSS'), 1000)
  expect(await haltIn(store)).toMatchObject({ code: 'DATA_LOSS', atMs: 1000 })
})

test('a halt with a long message is at most as large as a ledger', async () => {
  const store = new MemoryStore()
  const long = new WindrowError('x'.repeat(100_000), { code: 'UNEXPECTED', remedy: 'y'.repeat(100_000) })
  await storeHalt(store, 'job', 0, await taken(store, 'one'), long, 1000)
  const stored = (await store.get(['job-0-halt'])).get('job-0-halt')?.value ?? ''
  expect(stored).toContain('x'.repeat(MAX_HALT_CHARS))
  expect(Buffer.byteLength(stored)).toBeLessThan(MAX_LEDGER_BYTES)
})

test.each([
  [error('DATA_LOSS'), false],
  [new TypeError('a bug'), false],
  [error('STOPPED'), true],
  [new WindrowError('lost', { code: 'PARTITION_LOST', remedy: '-' }), true],
  [new WindrowError('again', { code: 'STATE_STORE_FAILED', remedy: '-' }), true],
])('%s passes: %s', (thrown, passes) => {
  expect(isTransient(thrown)).toBe(passes)
})

test('an unexpected error gets a code and a remedy', () => {
  const cause = new TypeError('a bug')
  expect(haltingError(3, cause)).toMatchObject({ code: 'UNEXPECTED', message: 'partition 3: a bug', cause })
})
