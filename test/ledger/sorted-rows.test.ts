/** SortedRows: a binary search over pages, for rows of the kinds that are sorted by VM. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { pagesOf, writePages } from '../../src/ledger/chunks.ts'
import { SortedRows } from '../../src/ledger/sorted-rows.ts'
import { faultyStore } from '../support/faulty-store.ts'

const ids = Array.from({ length: 40 }, (_, i) => `vm-${String(2 * i).padStart(3, '0')}`)
const rows = ids.map((vmId) => ({ vmId, window: 0, state: 'x'.repeat(60_000) }))

async function stored() {
  const memory = new MemoryStore()
  const set = await writePages(memory, 'attempt', pagesOf('states', rows))
  let reads = 0
  const store = faultyStore(memory, { before: ({ method }) => void (method === 'get' && reads++) })
  return { set, store, reads: () => reads }
}

describe('a lookup in rows sorted by VM', () => {
  it('finds every row, and returns null for a VM without a row', async () => {
    const { set, store } = await stored()
    const found = new SortedRows(store, set)
    for (const id of ids) expect((await found.find(id))?.vmId).toBe(id)
    for (const id of ['', 'vm-001', 'vm-041', 'vm-079', 'z']) expect(await found.find(id)).toBeNull()
  })

  it('reads a few pages, not all of them', async () => {
    const { set, store, reads } = await stored()
    await new SortedRows(store, set).find('vm-050')
    expect(set.digests.length).toBeGreaterThan(10)
    expect(reads()).toBeLessThanOrEqual(4)
  })

  it('finds nothing in an empty set or without a set', async () => {
    const { store, set } = await stored()
    expect(await new SortedRows(store, null).find('vm-000')).toBeNull()
    expect(await new SortedRows(store, { ...set, digests: [] }).find('vm-000')).toBeNull()
  })
})
