/** The invariants S1 to S3 of the store, across reopenings of the same folder, and its errors when it cannot serve. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import { DiskStateStore } from '../../src/embedded/state-store.ts'
import type { StateWrite } from '../../src/embedded/state-store.ts'

async function dataFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'windrow-state-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

async function openStore(dir: string, onFailure: (error: WindrowError) => void = () => undefined) {
  const store = await DiskStateStore.open(dir, onFailure)
  let closed: Promise<void> | undefined
  const close = () => (closed ??= store.close())
  onTestFinished(close)
  return { store, close }
}

const put = (key: string, text: string, more: Partial<StateWrite> = {}): StateWrite => ({
  key,
  data: Buffer.from(text),
  etag: null,
  insertOnly: false,
  ...more,
})
const del = (key: string, etag: string | null = null): StateWrite => ({ key, data: null, etag, insertOnly: false })

async function read(store: DiskStateStore, key: string) {
  const [stored] = await store.get([key])
  return stored && { text: stored.data.toString(), etag: stored.etag }
}

test('an acknowledged write is readable after reopening, with its etag', async () => {
  const dir = await dataFolder()
  const first = await openStore(dir)
  await first.store.write([put('a', 'one'), put('empty', ''), put('b', 'x'.repeat(1_000_000))])
  await first.store.write([del('a'), put('c', 'three')])
  const before = await Promise.all(['a', 'b', 'c', 'empty'].map((key) => read(first.store, key)))
  await first.close()

  const second = await openStore(dir)
  expect(await Promise.all(['a', 'b', 'c', 'empty'].map((key) => read(second.store, key)))).toEqual(before)
  expect(before[0]).toBeUndefined()
  expect(before[3]?.text).toBe('')
  expect(await second.store.write([put('c', 'four', { etag: before[2]?.etag ?? '' })])).toBeNull()
  expect(await second.store.write([put('b', 'y', { insertOnly: true })])).toEqual({ kind: 'exists', key: 'b' })
})

test('a write sees every write accepted before it, synced or not (S1)', async () => {
  const { store } = await openStore(await dataFolder())
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, i) => store.write([put('k', String(i), { insertOnly: true })])),
  )
  expect(results.map((conflict) => conflict?.kind ?? 'written')).toEqual([
    'written',
    ...Array<string>(49).fill('exists'),
  ])
  expect((await read(store, 'k'))?.text).toBe('0')
})

test('a group is written as a whole or not at all', async () => {
  const { store } = await openStore(await dataFolder())
  await store.write([put('stale', 'x')])
  expect(await store.write([put('new', '1'), del('stale'), put('stale', '2', { etag: 'never' })])).toEqual({
    kind: 'etag-mismatch',
    key: 'stale',
  })
  expect(await read(store, 'new')).toBeUndefined()
  expect((await read(store, 'stale'))?.text).toBe('x')
})

test('later writes of a group see the earlier ones', async () => {
  const { store } = await openStore(await dataFolder())
  await store.write([put('k', '1')])
  expect(await store.write([del('k'), put('k', '2', { insertOnly: true })])).toBeNull()
  expect((await read(store, 'k'))?.text).toBe('2')
  expect(await store.write([put('j', '1'), put('j', '2', { insertOnly: true })])).toMatchObject({ kind: 'exists' })
})

test('an etag is never reused, neither after a deletion nor after reopening (S3)', async () => {
  const dir = await dataFolder()
  const seen = new Set<string>()
  for (let opening = 0; opening < 3; opening++) {
    const { store, close } = await openStore(dir)
    for (let i = 0; i < 5; i++) {
      await store.write([put('k', 'same text')])
      seen.add((await read(store, 'k'))?.etag ?? '')
      await store.write([del('k')])
    }
    await close()
  }
  expect(seen.size).toBe(15)
})

test('no etag matches an absent key, in a write or in a deletion', async () => {
  const { store } = await openStore(await dataFolder())
  expect(await store.write([put('k', '1', { etag: '1.1' })])).toMatchObject({ kind: 'etag-mismatch' })
  expect(await store.write([del('k', '1.1')])).toMatchObject({ kind: 'etag-mismatch' })
  expect(await store.write([del('k')])).toBeNull()
})

test('closing waits for accepted writes', async () => {
  const dir = await dataFolder()
  const { store, close } = await openStore(dir)
  const writes = Array.from({ length: 100 }, (_, i) => store.write([put(`k${i}`, String(i))]))
  await close()
  await Promise.all(writes)
  const again = await openStore(dir)
  expect(
    (await again.store.get(Array.from({ length: 100 }, (_, i) => `k${i}`))).map((s) => s?.data.toString()),
  ).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
})

test('a folder in use is an error with its name and a remedy', async () => {
  const dir = await dataFolder()
  await openStore(dir)
  const refusal = await DiskStateStore.open(dir, () => undefined).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(WindrowError)
  expect(refusal).toMatchObject({ code: 'DATA_DIR_IN_USE', remedy: expect.stringContaining('--data-dir') as string })
  expect((refusal as WindrowError).message).toContain(dir)
})

test('a path that is not a folder and data of another format are errors', async () => {
  const file = join(await dataFolder(), 'file')
  await writeFile(file, 'not a folder')
  await expect(DiskStateStore.open(file, () => undefined)).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE' })

  const dir = await dataFolder()
  const { close } = await openStore(dir)
  await close()
  const db = new ClassicLevel(join(dir, 'state'))
  await db.put('m!', '{"format":2,"opening":1}')
  await db.close()
  await expect(DiskStateStore.open(dir, () => undefined)).rejects.toMatchObject({ code: 'DATA_DIR_FORMAT' })
})

test('a disk failure ends the store: no later call is answered from memory', async () => {
  const dir = await dataFolder()
  let failure: WindrowError | undefined
  const { store } = await openStore(dir, (error) => (failure = error))
  await store.write([put('before', 'x')])
  await rm(dir, { recursive: true })
  const large = 'x'.repeat(8 * 1024 * 1024)
  const writes = Array.from({ length: 12 }, (_, i) => store.write([put(`large-${i}`, large)]))
  expect((await Promise.allSettled(writes)).some((result) => result.status === 'rejected')).toBe(true)
  expect(failure).toMatchObject({ code: 'STATE_WRITE_FAILED' })
  await expect(store.write([put('after', 'x')])).rejects.toBe(failure)
  await expect(store.get(['before'])).rejects.toBe(failure)
})
