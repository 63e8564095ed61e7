/**
 * Against the embedded sidecar: values are read back as they were written, and exactly one conditional write wins.
 * Against a scripted API: faulty answers of daprd's stores are never reported as an absent key or as a conflict.
 */
import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import type { SidecarClient } from '../../../src/adapters/dapr/client.ts'
import { createDaprStateStore } from '../../../src/adapters/dapr/state-store.ts'
import type { StateStore } from '../../../src/ports/index.ts'
import { HOST, STORE, testClient, testSidecar } from './support/sidecar.ts'
import { startTcpProxy } from './support/tcp-proxy.ts'

const MIB = 1024 * 1024

async function testStore(maxValueBytes = 4 * MIB) {
  const sidecar = await testSidecar()
  const client = await testClient(sidecar.grpcPort)
  return { sidecar, client, store: createDaprStateStore({ client, storeName: STORE, maxValueBytes }) }
}

describe('values', () => {
  const texts: Record<string, string> = {
    empty: '',
    'a number in its longest form': '1.0',
    'JSON whose members are not sorted': '{"b": 1, "a": 2.50}',
    'a JSON string': '"quoted"',
    null: 'null',
    base64: 'aGVsbG8=',
    'unicode beyond the first plane': 'Ünïcødé 窓 🪟 \u{10FFFF}',
    'a byte order mark in front': '\uFEFFtext',
    'control characters': 'a\u0000b\r\n\t',
    'a whole mebibyte': 'windrow é '.repeat(MIB / 11),
  }

  it('are read back exactly as they were stored', async () => {
    const { store } = await testStore()
    for (const [name, text] of Object.entries(texts)) expect(await store.insert(`key ${name}`, text)).toBe('inserted')
    const found = await store.get(Object.keys(texts).map((name) => `key ${name}`))
    expect(found.size).toBe(Object.keys(texts).length)
    for (const [name, text] of Object.entries(texts)) expect(found.get(`key ${name}`)?.value === text, name).toBe(true)
  })

  it('survive a restart of the sidecar', async () => {
    const { sidecar, store } = await testStore()
    await store.insert('key', 'kept')
    await sidecar.close()
    const again = await testSidecar(sidecar.dataDir)
    const client = await testClient(again.grpcPort)
    const found = await createDaprStateStore({ client, storeName: STORE, maxValueBytes: MIB }).get(['key'])
    expect(found.get('key')?.value).toBe('kept')
  })

  it('above the size limit are rejected with key, size and limit, and nothing is stored', async () => {
    const { store } = await testStore(10)
    await expect(store.insert('big', 'ééééé!')).rejects.toMatchObject({
      code: 'VALUE_TOO_LARGE',
      disposition: 'fatal',
      message: expect.stringMatching(/^big is 11 bytes, more than the 10 /) as string,
      remedy: expect.stringContaining('maxValueBytes') as string,
    })
    expect(await store.insert('fits', 'ééééé')).toBe('inserted')
    const { etag } = (await store.get(['fits'])).get('fits')!
    await expect(store.swap('fits', 'x'.repeat(11), etag)).rejects.toMatchObject({ code: 'VALUE_TOO_LARGE' })
    expect((await store.get(['big', 'fits'])).size).toBe(1)
  })

  it('that UTF-8 cannot encode are rejected, not replaced', async () => {
    const { store } = await testStore()
    await expect(store.insert('key', 'half \uD83D')).rejects.toMatchObject({ code: 'VALUE_NOT_TEXT' })
  })
})

describe('get', () => {
  it('omits absent keys and finds all others, also for more keys than fit into one call', async () => {
    const { store } = await testStore()
    const keys = Array.from({ length: 250 }, (_, i) => `key-${i}`)
    const there = keys.filter((_, i) => i % 3 === 0)
    await Promise.all(there.map((key) => store.insert(key, `value of ${key}`)))
    const found = await store.get(keys)
    expect([...found.keys()].sort()).toEqual([...there].sort())
    for (const key of there) expect(found.get(key)?.value).toBe(`value of ${key}`)
    expect((await store.get([])).size).toBe(0)
  })

  it('splits a read that does not fit into one message', async () => {
    const { sidecar, store } = await testStore()
    const keys = Array.from({ length: 5 }, (_, i) => `key-${i}`)
    await Promise.all(keys.map((key) => store.insert(key, key.padEnd(400_000, '.'))))
    const narrow = await testClient(sidecar.grpcPort, { maxMessageMib: 1 })
    const found = await createDaprStateStore({ client: narrow, storeName: STORE, maxValueBytes: MIB }).get(keys)
    expect([...found.values()].map((stored) => stored.value.slice(0, 5))).toEqual(keys)
  })

  it('throws for a key that the store could not read, instead of omitting it', async () => {
    const items = [
      { key: 'a', data: Buffer.from('1'), etag: '7', error: '' },
      { key: 'b', data: new Uint8Array(), etag: '', error: 'connection refused' },
    ]
    const store = scriptedStore({ getBulkState: async () => items })
    await expect(store.get(['a', 'b'])).rejects.toMatchObject({
      code: 'STATE_STORE_FAILED',
      disposition: 'retryable',
      message: expect.stringMatching(/b.*connection refused/) as string,
    })
  })

  it('re-reads keys one by one that a bulk read did not find: PostgreSQL may have been cut off in the middle', async () => {
    const items = ['a', 'b', 'c'].map((key, i) => ({
      ...{ key, data: Buffer.from(i === 0 ? 'one' : ''), etag: i === 0 ? '7' : '', error: '' },
    }))
    const asked: string[] = []
    const store = scriptedStore({
      getBulkState: async () => items,
      getState: async ({ key }) => {
        asked.push(key ?? '')
        return key === 'b' ? { data: Buffer.from('two'), etag: '8' } : { data: new Uint8Array(), etag: '' }
      },
    })
    expect(await store.get(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', { value: 'one', etag: '7' }],
        ['b', { value: 'two', etag: '8' }],
      ]),
    )
    expect(asked).toEqual(['b', 'c'])
  })

  it('throws when re-reading a key that was not found fails', async () => {
    const items = ['a', 'b'].map((key) => ({ key, data: new Uint8Array(), etag: '', error: '' }))
    const store = scriptedStore({
      getBulkState: async () => items,
      getState: async () => fail(status.INTERNAL, 'fail to get b: timeout: context deadline exceeded'),
    })
    await expect(store.get(['a', 'b'])).rejects.toMatchObject({ code: 'STATE_STORE_FAILED', disposition: 'retryable' })
  })
})

describe('insert', () => {
  it('keeps an existing value and returns a conflict', async () => {
    const { store } = await testStore()
    expect(await store.insert('key', 'first')).toBe('inserted')
    expect(await store.insert('key', 'second')).toBe('exists')
    expect((await store.get(['key'])).get('key')?.value).toBe('first')
  })

  it('does not write when the key exists: daprd would retry the refusal, and Redis may overwrite', async () => {
    const store = scriptedStore({
      saveState: async () => expect.unreachable('a write'),
      getState: async () => ({ data: Buffer.from('first'), etag: '1' }),
    })
    expect(await store.insert('key', 'second')).toBe('exists')
  })

  it('succeeds for exactly one of many concurrent callers', async () => {
    const { store } = await testStore()
    const values = Array.from({ length: 20 }, (_, i) => `value ${i}`)
    const answers = await Promise.all(values.map((value) => store.insert('key', value)))
    expect(answers.filter((answer) => answer === 'inserted')).toHaveLength(1)
    expect((await store.get(['key'])).get('key')?.value).toBe(values[answers.indexOf('inserted')])
  })

  it('does not report a failing store as an existing key', async () => {
    const store = scriptedStore({
      saveState: async () => fail(status.INTERNAL, 'failed to set key'),
      getState: async () => ({ data: new Uint8Array(), etag: '' }),
    })
    await expect(store.insert('key', 'value')).rejects.toMatchObject({ code: 'STATE_STORE_FAILED' })
  })
})

describe('inserts of new keys', () => {
  const insertAll = (store: StateStore, entries: readonly (readonly [string, string])[]) =>
    Promise.all(entries.map(([key, value]) => store.insert(key, value, 'new')))

  it('that are requested together go in one call, without reading, up to the size of one value', async () => {
    const written: string[][] = []
    const store = scriptedStore({
      getState: async () => expect.unreachable('a read'),
      saveState: async (request) => void written.push(keysOf(request)),
    })
    const half = 'x'.repeat(MIB / 2)
    const entries = [
      ['a', half],
      ['b', half],
      ['c', 'y'],
      ['d', 'x'.repeat(MIB)],
      ['e', ''],
    ] as const
    expect(await insertAll(store, entries)).toEqual(Array(5).fill('inserted'))
    await store.insert('f', 'later', 'new')
    expect(written).toEqual([['a', 'b'], ['c'], ['d', 'e'], ['f']])
  })

  it('write all that have no value and keep those that have one', async () => {
    const { store } = await testStore()
    await store.insert('b', 'first')
    const entries = [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ] as const
    expect(await insertAll(store, entries)).toEqual(['inserted', 'exists', 'inserted'])
    const found = await store.get(['a', 'b', 'c'])
    expect([...found.values()].map(({ value }) => value)).toEqual(['1', 'first', '3'])
  })

  it('succeed for exactly one of many concurrent callers of a key', async () => {
    const { store } = await testStore()
    const entries = Array.from({ length: 20 }, (_, i) => ['key', `value ${i}`] as const)
    const answers = await insertAll(store, entries)
    expect(answers.filter((answer) => answer === 'inserted')).toHaveLength(1)
    expect((await store.get(['key'])).get('key')?.value).toBe(entries[answers.indexOf('inserted')]?.[1])
  })

  it('after a refusal, read before they write: daprd would retry every further refusal', async () => {
    let writes = 0
    const store = scriptedStore({
      saveState: async () => {
        if (++writes > 1) expect.unreachable('another write')
        return fail(status.INTERNAL, 'failed to set key')
      },
      getState: async () => ({ data: Buffer.from('first'), etag: '1' }),
    })
    for (const key of ['a', 'b']) expect(await store.insert(key, 'second', 'new')).toBe('exists')
  })

  it('all fail if the answer is lost, since any of them may have been written', async () => {
    const store = scriptedStore({ saveState: async () => fail(status.UNAVAILABLE, 'connection reset') })
    const outcomes = await Promise.allSettled(['a', 'b'].map((key) => store.insert(key, 'x', 'new')))
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STATE_STORE_UNAVAILABLE' } })
  })

  it('that are too large are rejected alone', async () => {
    const { store } = await testStore(5)
    const outcomes = await Promise.allSettled([
      store.insert('big', '123456', 'new'),
      store.insert('fits', '12345', 'new'),
    ])
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'VALUE_TOO_LARGE' } },
      { status: 'fulfilled', value: 'inserted' },
    ])
  })
})

describe('swap', () => {
  it('replaces a value only if it still has the ETag', async () => {
    const { store } = await testStore()
    await store.insert('key', 'one')
    const { etag } = (await store.get(['key'])).get('key')!
    expect(await store.swap('key', 'two', etag)).toBe('swapped')
    expect(await store.swap('key', 'three', etag)).toBe('conflict')
    const after = (await store.get(['key'])).get('key')!
    expect(after.value).toBe('two')
    expect(after.etag).not.toBe(etag)
  })

  it('of an absent key is a conflict', async () => {
    const { store } = await testStore()
    expect(await store.swap('nothing', 'value', '1')).toBe('conflict')
    expect((await store.get(['nothing'])).size).toBe(0)
  })

  it('succeeds for exactly one of many concurrent callers', async () => {
    const { store } = await testStore()
    await store.insert('key', 'start')
    const { etag } = (await store.get(['key'])).get('key')!
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => store.swap('key', `value ${i}`, etag)))
    expect(answers.filter((answer) => answer === 'swapped')).toHaveLength(1)
  })

  it('does not report a failing store as a conflict, although Redis answers like that', async () => {
    const store = scriptedStore({
      saveState: async () => fail(status.ABORTED, 'possible etag mismatch: connection refused'),
      getState: async () => ({ data: Buffer.from('old'), etag: '7' }),
    })
    await expect(store.swap('key', 'new', '7')).rejects.toMatchObject({ disposition: 'retryable' })
    expect(await store.swap('key', 'new', '6')).toBe('conflict')
  })
})

describe('delete', () => {
  it('removes many keys and ignores absent ones', async () => {
    const { store } = await testStore()
    const keys = Array.from({ length: 130 }, (_, i) => `key-${i}`)
    await Promise.all(keys.map((key) => store.insert(key, 'x')))
    await store.insert('other', 'stays')
    await store.delete([...keys, 'never there'])
    expect([...(await store.get([...keys, 'other'])).keys()]).toEqual(['other'])
    expect(await store.insert('key-0', 'again')).toBe('inserted')
  })
})

describe('failures', () => {
  it('of an unreachable sidecar are retryable, keep their cause, and end when it is back', async () => {
    const { sidecar } = await testStore()
    const proxy = await startTcpProxy()
    const client = await testClient(proxy.port)
    const store = createDaprStateStore({ client, storeName: STORE, maxValueBytes: MIB })
    proxy.target(sidecar.grpcPort)
    await store.insert('key', 'value')

    proxy.target(null)
    proxy.cut()
    for (const call of [() => store.get(['key']), () => store.insert('other', ''), () => store.delete(['key'])]) {
      await expect(call()).rejects.toMatchObject({
        disposition: 'retryable',
        code: 'STATE_STORE_UNAVAILABLE',
        cause: expect.any(Error) as Error,
      })
    }

    proxy.target(sidecar.grpcPort)
    expect((await store.get(['key'])).get('key')?.value).toBe('value')
    await proxy.close()
  })

  it('of a port without a listener have the code STATE_STORE_UNAVAILABLE', async () => {
    const proxy = await startTcpProxy()
    await proxy.close()
    const client = await testClient(proxy.port)
    const store = createDaprStateStore({ client, storeName: STORE, maxValueBytes: MIB })
    await expect(store.get(['key'])).rejects.toMatchObject({
      code: 'STATE_STORE_UNAVAILABLE',
      disposition: 'retryable',
      message: expect.stringContaining('key') as string,
    })
  })

  it('of a store name that the sidecar does not know are fatal', async () => {
    const { client } = await testStore()
    const store = createDaprStateStore({ client, storeName: 'elsewhere', maxValueBytes: MIB })
    await expect(store.get(['key'])).rejects.toMatchObject({ code: 'STATE_STORE_MISSING', disposition: 'fatal' })
    await expect(store.insert('key', '')).rejects.toMatchObject({ code: 'STATE_STORE_MISSING' })
  })

  it('after closing have the code of a closed client', async () => {
    const { client, store } = await testStore()
    client.close()
    client.close()
    await expect(store.get(['key'])).rejects.toMatchObject({
      code: 'CLIENT_CLOSED',
      message: expect.stringContaining(HOST) as string,
    })
  })
})

function fail(code: status, message: string): never {
  throw Object.assign(new Error(message), { code })
}

function keysOf(request: unknown): string[] {
  return (request as { readonly states: readonly { readonly key: string }[] }).states.map(({ key }) => key)
}

function scriptedStore(api: Record<string, (request: { readonly key?: string }) => Promise<unknown>>) {
  const client = { api, closed: new AbortController().signal } as unknown as SidecarClient
  return createDaprStateStore({ client, storeName: STORE, maxValueBytes: MIB })
}
