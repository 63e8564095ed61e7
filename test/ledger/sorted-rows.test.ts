import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { pagesOf, writePages } from '../../src/ledger/chunks.ts'
import { SortedRows } from '../../src/ledger/sorted-rows.ts'
import { faultyStore } from '../support/faulty-store.ts'

interface Row {
  readonly vmId: string
  readonly text: string
}

const ids = Array.from({ length: 40 }, (_, i) => `vm-${String(2 * i).padStart(3, '0')}`)
const rows = ids.map((vmId) => ({ vmId, text: 'x'.repeat(60_000) }))

async function stored() {
  const memory = new MemoryStore()
  const set = await writePages(memory, 'attempt', 'accs', pagesOf(rows))
  let reads = 0
  const store = faultyStore(memory, { before: ({ method }) => void (method === 'get' && reads++) })
  return { set, store, reads: () => reads }
}

describe('rows sorted by VM', () => {
  it('are found wherever they lie, and those that are not there are not', async () => {
    const { set, store } = await stored()
    const found = new SortedRows<Row>(store, set, (row) => row.vmId)
    for (const id of ids) expect((await found.find(id))?.vmId).toBe(id)
    for (const id of ['', 'vm-001', 'vm-041', 'vm-079', 'z']) expect(await found.find(id)).toBeNull()
  })

  it('cost a few pages each, not all of them', async () => {
    const { set, store, reads } = await stored()
    await new SortedRows<Row>(store, set, (row) => row.vmId).find('vm-050')
    expect(set.digests.length).toBeGreaterThan(10)
    expect(reads()).toBeLessThanOrEqual(4)
  })

  it('of no set, or of an empty one, are none', async () => {
    const { store, set } = await stored()
    expect(await new SortedRows<Row>(store, null, (row) => row.vmId).find('vm-000')).toBeNull()
    expect(await new SortedRows<Row>(store, { ...set, digests: [] }, (row) => row.vmId).find('vm-000')).toBeNull()
  })
})
