/**
 * The type of a row follows from the kind of its chunk, and the type system rejects rows that JSON cannot carry. The compiler
 * checks the `@ts-expect-error` lines; running them shows that the code below is otherwise valid.
 */
import { describe, expect, expectTypeOf, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { canonicalJson, parseCanonicalJson, type JsonOf } from '../../src/core/json.ts'
import type { RosterRow } from '../../src/core/roster.ts'
import type { ChunkRows, RowKind, StateRow } from '../../src/ledger/chunk-rows.ts'
import { eachRow, pagesOf, PageWriter, readRows, writePages, type ChunkSet } from '../../src/ledger/chunks.ts'
import { SortedRows } from '../../src/ledger/sorted-rows.ts'

const state: StateRow = { vmId: 'vm', window: 0, state: null }
const producer: RosterRow = { vmId: 'vm', producer: '', missedWindows: 0 }

describe('the rows of a chunk', () => {
  it('have the type of their kind when they are read', async () => {
    const store = new MemoryStore()
    const set = await writePages(store, 'a', pagesOf('states', [state]))
    expectTypeOf(set).toEqualTypeOf<ChunkSet<'states'>>()
    const rows = await readRows(store, set)
    expectTypeOf(rows).toEqualTypeOf<StateRow[]>()
    expectTypeOf(eachRow<'results'>).returns.toEqualTypeOf<AsyncGenerator<VmWindowResult>>()
    expectTypeOf(await new SortedRows(store, set).find('vm')).toEqualTypeOf<StateRow | null>()
    expect(rows).toEqual([state])
  })

  it('must have the type of their kind when they are written', async () => {
    const store = new MemoryStore()
    // @ts-expect-error A row of the roster is no state.
    pagesOf('states', [producer])
    const writer = new PageWriter(store, 'a', 'states', 1)
    // @ts-expect-error The same, row by row.
    await writer.add(producer)
    // @ts-expect-error A canonical text remembers what it was written from.
    await writer.addLine(canonicalJson(producer))
    await writer.addLine(canonicalJson(state))
    expect((await writer.end()).rows).toBe(3)
  })

  it('of two kinds are never mixed up, since a set of one kind is not a set of another', () => {
    const roster: ChunkSet<'roster'> = { attempt: 'a', kind: 'roster', first: 0, digests: [], rows: 0 }
    // @ts-expect-error The VM states of a commit are not in the roster's chunks.
    const states: ChunkSet<'states'> = roster
    expect(states).toBe(roster)
  })
})

describe('a value that JSON cannot carry', () => {
  it('does not compile, whereas interfaces and optional members do', () => {
    expectTypeOf<JsonOf<Certificate>>().toExtend<Certificate>()
    expectTypeOf<ChunkRows[RowKind]>().toExtend<JsonOf<ChunkRows[RowKind]>>()
    const optional: { readonly a: number; readonly b?: string } = { a: 1 }
    expect(canonicalJson(optional)).toBe('{"a":1}')
    // @ts-expect-error A method.
    expect(() => canonicalJson({ a: () => 1 })).toThrow(TypeError)
    // @ts-expect-error A bigint, nested in a list.
    expect(() => canonicalJson([{ a: 1n }])).toThrow(TypeError)
    // @ts-expect-error A map, which would be written as an empty object.
    expect(canonicalJson(new Map())).toBe('{}')
    // @ts-expect-error A member of unknown type.
    expect(canonicalJson({ a: 1 as unknown })).toBe('{"a":1}')
  })

  it('comes back from its text as the type that was written', () => {
    expectTypeOf(parseCanonicalJson(canonicalJson(state))).toEqualTypeOf<StateRow>()
    expect(parseCanonicalJson(canonicalJson(state))).toEqual(state)
  })
})
