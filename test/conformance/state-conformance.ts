/** Conformance of the state API: a key-value store with insert and compare-and-swap. */
import { CommunicationProtocolEnum, DaprClient, StateConcurrencyEnum, StateConsistencyEnum } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SidecarUnderTest } from './sidecar-conformance.ts'

/** gRPC status codes of the responses. */
const INVALID_ARGUMENT = 3
const ABORTED = 10

const INSERT_ONLY = {
  concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
  consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
}

export function stateConformance(sidecar: () => SidecarUnderTest, fresh: (what: string) => string): void {
  describe('state', () => {
    let client: DaprClient
    let store: string

    beforeAll(async () => {
      store = sidecar().storeName
      client = new DaprClient({
        daprHost: '127.0.0.1',
        daprPort: String(sidecar().grpcPort),
        communicationProtocol: CommunicationProtocolEnum.GRPC,
        maxBodySizeMb: 64,
      })
      await client.start()
    })
    afterAll(() => client.stop())

    const insert = (key: string, value: unknown) => client.state.save(store, [{ key, value, options: INSERT_ONLY }])
    const read = async (key: string) => {
      const [item] = (await client.state.getBulk(store, [key])) as { data: unknown; etag: string }[]
      return item ?? { data: '', etag: '' }
    }

    test('a saved object is read back, alone and in bulk', async () => {
      const key = fresh('object')
      const value = { a: [1, 2.5, null, 'x'], b: { c: true } }
      await client.state.save(store, [{ key, value }])
      expect(await client.state.get(store, key)).toEqual(value)
      expect((await read(key)).data).toEqual(value)
    })

    test('values and keys keep every character', async () => {
      const key = fresh('ключ 键 🔑 a/b?c=d&e#f')
      const value = { text: 'Zürich, 東京, 🌍, \u0000\u001f, "quoted", \\back\\, \u2028' }
      await insert(key, value)
      expect((await read(key)).data).toEqual(value)
    })

    test('a value of 1 MB is read back whole', async () => {
      const key = fresh('large')
      const value = { text: Array.from({ length: 45_000 }, (_, i) => `point ${i} äöü €`).join(' ') }
      await client.state.save(store, [{ key, value }])
      expect(await client.state.get(store, key)).toEqual(value)
    })

    test('an absent key is empty and has no etag, alone, in bulk and among present ones', async () => {
      const [present, absent] = [fresh('present'), fresh('absent')]
      await insert(present, 'here')
      expect(await client.state.get(store, absent)).toBe('')
      const items = (await client.state.getBulk(store, [absent, present])) as {
        key: string
        data: unknown
        etag: string
      }[]
      expect(items.find((item) => item.key === absent)).toMatchObject({ data: '', etag: '' })
      expect(items.find((item) => item.key === present)).toMatchObject({
        data: 'here',
        etag: expect.stringMatching(/./) as string,
      })
    })

    test('fifty keys are read with one call', async () => {
      const keys = Array.from({ length: 50 }, (_, i) => fresh(`bulk-${i}`))
      await client.state.save(
        store,
        keys.map((key, i) => ({ key, value: { i } })),
      )
      const items = (await client.state.getBulk(store, keys)) as { key: string; data: { i: number } }[]
      expect(new Map(items.map((item) => [item.key, item.data.i]))).toEqual(new Map(keys.map((key, i) => [key, i])))
    })

    test('a second insert of a key is rejected and changes nothing', async () => {
      const key = fresh('insert')
      await insert(key, 'first')
      const before = await read(key)
      await expect(insert(key, 'second')).rejects.toThrow()
      expect(await read(key)).toEqual(before)
    })

    test('one call inserts several keys; if one of them has a value, the call fails and the value stays', async () => {
      const keys = Array.from({ length: 12 }, (_, i) => fresh(`several-${i}`))
      const items = (value: string) => keys.map((key) => ({ key, value, options: INSERT_ONLY }))
      await insert(keys[5] as string, 'first')
      await expect(client.state.save(store, items('second'))).rejects.toThrow()
      expect((await read(keys[5] as string)).data).toBe('first')
      // Whether the other keys were written depends on the store.
      for (const key of keys) expect(['', 'first', 'second']).toContain((await read(key)).data)
      const others = Array.from({ length: 12 }, (_, i) => fresh(`others-${i}`))
      await client.state.save(
        store,
        others.map((key) => ({ key, value: key, options: INSERT_ONLY })),
      )
      for (const key of others) expect((await read(key)).data).toBe(key)
    })

    test('exactly one of twenty concurrent inserts of a key wins, and its value is kept', async () => {
      const key = fresh('race')
      const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => insert(key, { writer: i })))
      const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
      expect(winners).toHaveLength(1)
      expect((await read(key)).data).toEqual({ writer: winners[0] })
    })

    test('a write with the current etag replaces value and etag', async () => {
      const key = fresh('swap')
      await insert(key, { n: 1 })
      const { etag } = await read(key)
      await client.state.save(store, [{ key, value: { n: 2 }, etag }])
      const after = await read(key)
      expect(after.data).toEqual({ n: 2 })
      expect(after.etag).not.toBe(etag)
    })

    test('a write with a stale etag is ABORTED and changes nothing', async () => {
      const key = fresh('stale')
      await insert(key, { n: 1 })
      const { etag } = await read(key)
      await client.state.save(store, [{ key, value: { n: 2 }, etag }])
      const stale = client.state.save(store, [{ key, value: { n: 3 }, etag, options: INSERT_ONLY }])
      await expect(stale).rejects.toMatchObject({ code: ABORTED })
      expect((await read(key)).data).toEqual({ n: 2 })
    })

    test('exactly one of ten concurrent writes with the same etag wins', async () => {
      const key = fresh('contended')
      await insert(key, 'start')
      const { etag } = await read(key)
      const swap = (i: number) => client.state.save(store, [{ key, value: { writer: i }, etag }])
      const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => swap(i)))
      const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
      expect(winners).toHaveLength(1)
      expect((await read(key)).data).toEqual({ writer: winners[0] })
    })

    test('a deleted key is absent and can be inserted again; deleting an absent key succeeds', async () => {
      const key = fresh('delete')
      await insert(key, 'first')
      await client.state.delete(store, key)
      await client.state.delete(store, key)
      expect(await read(key)).toMatchObject({ data: '', etag: '' })
      await insert(key, 'second')
      expect((await read(key)).data).toBe('second')
    })

    test('a delete with a stale etag is ABORTED, with the current one it deletes', async () => {
      const key = fresh('delete-etag')
      await insert(key, { n: 1 })
      const { etag } = await read(key)
      await client.state.save(store, [{ key, value: { n: 2 }, etag }])
      await expect(client.state.delete(store, key, { ...INSERT_ONLY, etag })).rejects.toMatchObject({ code: ABORTED })
      const current = await read(key)
      expect(current.data).toEqual({ n: 2 })
      await client.state.delete(store, key, { ...INSERT_ONLY, etag: current.etag })
      expect((await read(key)).etag).toBe('')
    })

    test('a transaction writes and deletes', async () => {
      const [written, replaced, deleted] = [fresh('tx'), fresh('tx'), fresh('tx')]
      await insert(replaced, 'old')
      await insert(deleted, 'old')
      await client.state.transaction(store, [
        { operation: 'upsert', request: { key: written, value: 'new' } },
        { operation: 'upsert', request: { key: replaced, value: 'new', etag: (await read(replaced)).etag as never } },
        { operation: 'delete', request: { key: deleted } },
      ])
      const after = await Promise.all([written, replaced, deleted].map(read))
      expect(after.map((item) => item.data)).toEqual(['new', 'new', ''])
    })

    // Whether its other keys are written differs: Redis has no rollback.
    test('a transaction with a stale etag is rejected and does not change that key', async () => {
      const key = fresh('tx-stale')
      await insert(key, { n: 1 })
      const { etag } = await read(key)
      await client.state.save(store, [{ key, value: { n: 2 }, etag }])
      const refused = client.state.transaction(store, [
        { operation: 'upsert', request: { key, value: '{"n":3}', etag: etag as never } },
      ])
      await expect(refused).rejects.toThrow(/state transaction/)
      expect((await read(key)).data).toEqual({ n: 2 })
    })

    test('an unknown store and a key with || are INVALID_ARGUMENT', async () => {
      const unknown = client.state.save(fresh('no-store'), [{ key: 'k', value: 'v' }])
      await expect(unknown).rejects.toMatchObject({ code: INVALID_ARGUMENT })
      await expect(insert('a||b', 'v')).rejects.toMatchObject({ code: INVALID_ARGUMENT })
    })
  })
}
