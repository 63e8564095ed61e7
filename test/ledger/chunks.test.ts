/** Chunks are canonical, insert-only and digested: what is stored first stays, and a page that was changed is never used. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { JsonText } from '../../src/core/json.ts'
import type { RosterRow } from '../../src/core/roster.ts'
import { PAGE_BYTES } from '../../src/core/payload-bound.ts'
import type { RowKind } from '../../src/ledger/chunk-rows.ts'
import { pagesOf, pageTextsOf, PageWriter, readRows, writePages, type Pages } from '../../src/ledger/chunks.ts'
import { textDigest } from '../../src/ledger/text-digest.ts'
import { chunkKeys } from '../support/chunk-keys.ts'
import { faultyStore } from '../support/faulty-store.ts'

const rowsOf = (count: number, width = 10): RosterRow[] =>
  Array.from({ length: count }, (_, i) => ({ vmId: `vm-${i}`, producer: 'x'.repeat(width), missedWindows: 0 }))

/** Pages with texts that are as good as any, where a test is about pages and not about rows. */
const pages = <Kind extends RowKind>(kind: Kind, ...texts: string[]): Pages<Kind> => ({ kind, texts })

describe('pages', () => {
  it('are read back as the rows that were written, over several pages and more than one round of reads', async () => {
    const store = new MemoryStore()
    const rows = rowsOf(3000, 1000)
    const set = await writePages(store, 'a', pagesOf('roster', rows))
    expect(set.digests.length).toBeGreaterThan(9)
    expect(set).toMatchObject({ attempt: 'a', kind: 'roster', first: 0, rows: 3000 })
    expect(await readRows(store, set)).toEqual(rows)
    expect(store.keys()).toEqual(chunkKeys(set).sort())
  })

  it('are cut by bytes, not characters, and a row larger than a page gets a page of its own', () => {
    const wide = pageTextsOf(Array.from({ length: 2000 }, () => `"${'漢'.repeat(100)}"`))
    for (const page of wide) expect(Buffer.byteLength(page)).toBeLessThanOrEqual(PAGE_BYTES)
    const small = '"y"'
    const large = `"${'x'.repeat(2 * PAGE_BYTES)}"`
    expect(pageTextsOf([small, large, small]).map((page) => page.length)).toEqual([3, 2 * PAGE_BYTES + 2, 3])
  })

  it('do not exist for an empty list, which is read back as empty', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', pagesOf('dead', []))
    expect(set).toMatchObject({ digests: [], rows: 0 })
    expect(await readRows(store, set)).toEqual([])
    expect(store.keys()).toEqual([])
  })

  it('of equal rows have equal texts in any order of members', () => {
    const row = { vmId: 'vm', window: 0, state: { a: 1, b: 2 } }
    const reordered = { state: { b: 2, a: 1 }, window: 0, vmId: 'vm' }
    expect(pagesOf('states', [row])).toEqual(pagesOf('states', [reordered]))
  })

  it('may start at any number, so that one attempt can write several sets of one kind', async () => {
    const store = new MemoryStore()
    const [one, other] = [
      await writePages(store, 'a', pages('open', '"x"')),
      await writePages(store, 'a', pages('open', '"y"'), 1),
    ]
    expect([chunkKeys(one), chunkKeys(other)]).toEqual([['a-open-0'], ['a-open-1']])
    expect(await readRows(store, other)).toEqual(['y'])
  })
})

describe('insert-only', () => {
  it('a stored page stays, and the set has the digest of the stored page', async () => {
    const store = new MemoryStore()
    await writePages(store, 'a', pages('results', '1\n2\n3'))
    const second = await writePages(store, 'a', pages('results', '4'))
    expect(second).toEqual({ attempt: 'a', kind: 'results', first: 0, digests: [textDigest('1\n2\n3')], rows: 3 })
    expect(await readRows(store, second)).toEqual([1, 2, 3])
  })

  it('a page whose reply was lost can be written again', async () => {
    const store = new MemoryStore()
    let isLost = true
    const faulty = faultyStore(store, {
      after: ({ method }) => {
        if (method !== 'insert' || !isLost) return
        isLost = false
        throw new Error('lost')
      },
    })
    await expect(writePages(faulty, 'a', pages('accs', '1'))).rejects.toThrow('lost')
    expect(await readRows(store, await writePages(faulty, 'a', pages('accs', '1')))).toEqual([1])
  })

  it('a page that disappears after the insert is an error, not an empty page', async () => {
    const store = new MemoryStore()
    const vanishing = { ...faultyStore(store, {}), insert: () => Promise.resolve('exists' as const) }
    await expect(writePages(vanishing, 'a', pages('accs', '1'))).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })
})

describe('digests', () => {
  it('a missing page is an error that names its key', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', pages('states', '1', '2'))
    await store.delete(['a-states-1'])
    await expect(readRows(store, set)).rejects.toMatchObject({
      code: 'CHUNK_BROKEN',
      message: expect.stringContaining('a-states-1') as string,
    })
  })

  it('a page that changed is an error even if its text is well-formed', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', pages('states', '1'))
    await store.delete(['a-states-0'])
    await store.insert('a-states-0', '2')
    await expect(readRows(store, set)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })
})

describe('a page writer', () => {
  it('puts a fixed number of rows on each page and writes a page as soon as it is full', async () => {
    const store = new MemoryStore()
    const writer = new PageWriter(store, 'a', 'results', 2)
    for (const row of ['1', '2', '3'] as JsonText<VmWindowResult>[]) await writer.addLine(row)
    expect(store.keys()).toEqual(['a-results-0'])
    const set = await writer.end()
    expect(set).toMatchObject({ rows: 3, first: 0, digests: [textDigest('1\n2'), textDigest('3')] })
    expect(await readRows(store, set)).toEqual([1, 2, 3])
  })

  it('writes the same pages when it runs twice', async () => {
    const store = new MemoryStore()
    const write = async (): Promise<unknown> => {
      const writer = new PageWriter(store, 'a', 'roster', 2)
      for (const row of rowsOf(5)) await writer.add(row)
      return writer.end()
    }
    expect(await write()).toEqual(await write())
    expect(store.keys()).toHaveLength(3)
  })
})
