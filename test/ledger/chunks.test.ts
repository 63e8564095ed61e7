/** Chunks: canonical, insert-only, digested. What is stored first stays; what differs is never used. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../src/adapters/memory/memory-store.ts'
import type { Json } from '../../src/core/json.ts'
import { PAGE_BYTES } from '../../src/core/payload-bound.ts'
import { chunkKeys, pagesOf, PageWriter, readRows, writePages } from '../../src/ledger/chunks.ts'
import { digestOf } from '../../src/ledger/digest.ts'
import { faultyStore } from '../support/faulty-store.ts'

const rowsOf = (count: number, width = 10): Json[] =>
  Array.from({ length: count }, (_, i) => ({ i, text: 'x'.repeat(width) }))

describe('pages', () => {
  it('come back as the rows that went in, over several pages and more than one round of reads', async () => {
    const store = new MemoryStore()
    const rows = rowsOf(3000, 1000)
    const set = await writePages(store, 'a', 'accs', pagesOf(rows))
    expect(set.digests.length).toBeGreaterThan(9)
    expect(set).toMatchObject({ attempt: 'a', kind: 'accs', first: 0, rows: 3000 })
    expect(await readRows(store, set)).toEqual(rows)
    expect(store.keys()).toEqual(chunkKeys(set).sort())
  })

  it('are cut by bytes, not characters, and a row larger than a page has one of its own', () => {
    const wide = pagesOf(Array.from({ length: 2000 }, () => '漢'.repeat(100)))
    for (const page of wide) expect(Buffer.byteLength(page)).toBeLessThanOrEqual(PAGE_BYTES)
    const small = 'y'
    const large = 'x'.repeat(2 * PAGE_BYTES)
    expect(pagesOf([small, large, small]).map((page) => page.length)).toEqual([3, 2 * PAGE_BYTES + 2, 3])
  })

  it('of no rows are no pages, and read back as none', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', 'dead', pagesOf([]))
    expect(set).toMatchObject({ digests: [], rows: 0 })
    expect(await readRows(store, set)).toEqual([])
    expect(store.keys()).toEqual([])
  })

  it('of equal rows are equal texts, whatever the order of their members', () => {
    expect(pagesOf([{ a: 1, b: 2 }])).toEqual(pagesOf([{ b: 2, a: 1 }]))
  })

  it('may begin at a number of their own, so that sets of one attempt lie side by side', async () => {
    const store = new MemoryStore()
    const [one, other] = [
      await writePages(store, 'a', 'open', ['"x"']),
      await writePages(store, 'a', 'open', ['"y"'], 1),
    ]
    expect([chunkKeys(one), chunkKeys(other)]).toEqual([['a-open-0'], ['a-open-1']])
    expect(await readRows(store, other)).toEqual(['y'])
  })
})

describe('insert-only', () => {
  it('a page that is there stays, and the set names what is stored, not what was to be written', async () => {
    const store = new MemoryStore()
    await writePages(store, 'a', 'results', ['1\n2\n3'])
    const second = await writePages(store, 'a', 'results', ['4'])
    expect(second).toEqual({ attempt: 'a', kind: 'results', first: 0, digests: [digestOf('1\n2\n3')], rows: 3 })
    expect(await readRows(store, second)).toEqual([1, 2, 3])
  })

  it('a page whose reply was lost is written again without harm', async () => {
    const store = new MemoryStore()
    let isLost = true
    const faulty = faultyStore(store, {
      after: ({ method }) => {
        if (method !== 'insert' || !isLost) return
        isLost = false
        throw new Error('lost')
      },
    })
    await expect(writePages(faulty, 'a', 'accs', ['1'])).rejects.toThrow('lost')
    expect(await readRows(store, await writePages(faulty, 'a', 'accs', ['1']))).toEqual([1])
  })

  it('a page that was there and is gone is an error, not an empty page', async () => {
    const store = new MemoryStore()
    const vanishing = { ...faultyStore(store, {}), insert: () => Promise.resolve('exists' as const) }
    await expect(writePages(vanishing, 'a', 'accs', ['1'])).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })
})

describe('digests', () => {
  it('a page that is missing is an error that names its key', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', 'states', ['1', '2'])
    await store.delete(['a-states-1'])
    await expect(readRows(store, set)).rejects.toMatchObject({
      code: 'CHUNK_BROKEN',
      message: expect.stringContaining('a-states-1') as string,
    })
  })

  it('a page that changed is an error, though its text is well-formed', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', 'states', ['1'])
    await store.delete(['a-states-0'])
    await store.insert('a-states-0', '2')
    await expect(readRows(store, set)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })
})

describe('a page writer', () => {
  it('puts a fixed number of rows on each page and writes a page as soon as it is full', async () => {
    const store = new MemoryStore()
    const writer = new PageWriter(store, 'a', 'results', 2)
    for (const row of [1, 2, 3]) await writer.add(row)
    expect(store.keys()).toEqual(['a-results-0'])
    const set = await writer.end()
    expect(set).toMatchObject({ rows: 3, first: 0, digests: [digestOf('1\n2'), digestOf('3')] })
    expect(await readRows(store, set)).toEqual([1, 2, 3])
  })

  it('that runs a second time names the same pages', async () => {
    const store = new MemoryStore()
    const write = async (): Promise<unknown> => {
      const writer = new PageWriter(store, 'a', 'results', 2)
      for (const row of rowsOf(5)) await writer.add(row)
      return writer.end()
    }
    expect(await write()).toEqual(await write())
    expect(store.keys()).toHaveLength(3)
  })
})
