/** The index: what is in force, what waits to be published, what is superseded and must be deleted, and when again. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { NO_POINTS } from '../../src/core/window-proof.ts'
import type { RowKind } from '../../src/ledger/chunk-rows.ts'
import type { ChunkSet } from '../../src/ledger/chunks.ts'
import type { ClosedEntry } from '../../src/ledger/closed-windows.ts'
import {
  announcedGarbage,
  keysOf,
  nextIndex,
  readIndex,
  writeIndex,
  type IndexChunk,
  type IndexStep,
} from '../../src/ledger/index-chunk.ts'

function set<Kind extends RowKind>(attempt: string, kind: Kind, pages = 1, first = 0): ChunkSet<Kind> {
  return { attempt, kind, first, digests: Array.from({ length: pages }, (_, i) => `${attempt}${i}`), rows: pages }
}

function step(commit: number, more: Partial<IndexStep> = {}): IndexStep {
  const attempt = `c${commit}`
  return {
    attempt,
    commit,
    digest: `digest ${commit}`,
    resumeOffset: commit * 10,
    open: [{ window: commit * 100, set: set(attempt, 'open') }],
    roster: set(attempt, 'roster'),
    contents: [],
    deadLetters: [],
    late: null,
    amendedLate: null,
    results: null,
    revisions: 0,
    total: null,
    amended: [],
    closing: null,
    certificate: null,
    publishedCommit: commit - 1,
    sweptCommit: commit - 1,
    abandoned: [],
    rememberWindows: 2,
    ...more,
  }
}

/** What closing a window adds to a step. */
function closing(commit: number, window: number): Partial<IndexStep> {
  const attempt = `c${commit}`
  return {
    results: set(attempt, 'results'),
    total: set(attempt, 'total'),
    closing: {
      window,
      trigger: 'grace',
      accs: set(attempt, 'accs'),
      states: set(attempt, 'states'),
      quarantined: null,
      reason: 'grace',
      statesDropped: 0,
      vmsPerWorkflow: 1,
      vmWindowsByReason: { complete: 2, grace: 1 },
      points: NO_POINTS,
    },
  }
}

/** The window of a step made by `closing`, as an amendment lists it. */
function entryOf(window: number): ClosedEntry {
  const { trigger, accs, quarantined, vmWindowsByReason, points } = closing(1, window).closing as NonNullable<
    IndexStep['closing']
  >
  return { window, trigger, accs, quarantined, vmWindowsByReason, points, prior: null, amended: set('c2', 'amended') }
}

/** Indexes of these steps in a row. */
function indexes(...steps: readonly IndexStep[]): IndexChunk[] {
  const made: IndexChunk[] = []
  for (const one of steps) {
    const before = made.at(-1) ?? null
    made.push(nextIndex(before, before && { attempt: `c${before.commit}`, digest: '' }, one))
  }
  return made
}

const garbageOf = (index: IndexChunk | undefined): string[] => keysOf(index?.garbage ?? []).sort()

describe('an index', () => {
  it('of a checkpoint supersedes the open windows, the roster and the previous index, and keeps states and totals', () => {
    const [closed, checkpoint] = indexes(step(1, { ...closing(1, 0) }), step(2, { publishedCommit: 0 }))
    expect(closed?.garbage).toEqual([])
    expect(garbageOf(checkpoint)).toEqual(['c1-index-0', 'c1-open-0', 'c1-roster-0'])
    expect(checkpoint).toMatchObject({
      states: closed?.states,
      total: closed?.total,
      closed: closed?.closed,
      totals: closed?.totals,
      lastClosed: { window: 0, reason: 'grace' },
    })
  })

  it('of a close supersedes the previous total, and keeps the previous states for late points', () => {
    const [, second] = indexes(step(1, { ...closing(1, 0) }), step(2, { ...closing(2, 100), publishedCommit: 0 }))
    // The states are those before the window that closed second, which late points may need.
    expect(garbageOf(second)).toEqual(['c1-index-0', 'c1-open-0', 'c1-roster-0', 'c1-total-0'])
    expect(second?.closed.at(-1)?.prior).toEqual(set('c1', 'states'))
    expect(second?.states?.attempt).toBe('c2')
    expect(second?.totals).toEqual({
      windows: 2,
      windowsByReason: { grace: 2 },
      vmWindows: 6,
      vmWindowsByReason: { complete: 4, grace: 2 },
    })
  })

  it.each<[string, Partial<IndexStep>]>([
    ['a checkpoint', {}],
    ['a close', closing(2, 100)],
    ['an amendment', { amended: [entryOf(0)] }],
    ['a close that amends', { ...closing(2, 100), amended: [entryOf(0)] }],
  ])('of %s keeps the number of revisions before it and adds its own', (_name, more) => {
    const made = indexes(
      step(1, { ...closing(1, 0), revisions: 2, publishedCommit: 0 }),
      step(2, { ...more, revisions: 3, publishedCommit: 0 }),
      step(3, { ...closing(3, 200), publishedCommit: 0 }),
    )
    expect(made.map(({ totals }) => totals.revisions)).toEqual([2, 5, 5])
  })

  it('keeps the chunks of an open window that did not change', () => {
    const kept = { window: 100, set: set('c1', 'open', 2, 3) }
    const [, second] = indexes(
      step(1, { open: [kept, { window: 200, set: set('c1', 'open', 1, 5) }] }),
      step(2, { open: [kept] }),
    )
    expect(garbageOf(second)).toEqual(['c1-index-0', 'c1-open-5', 'c1-roster-0'])
  })

  it('drops closed windows beyond rememberWindows, and their accumulators become garbage', () => {
    const made = indexes(
      ...[1, 2, 3].map((commit) => step(commit, { ...closing(commit, commit * 100), publishedCommit: 0 })),
    )
    expect(made.map((one) => one.closed.map(({ window }) => window))).toEqual([[100], [100, 200], [200, 300]])
    expect(garbageOf(made[2])).toContain('c1-accs-0')
    const none = indexes(step(1, { ...closing(1, 0), rememberWindows: 0 }))
    expect(none[0]?.closed).toEqual([])
    expect(garbageOf(none[0])).toEqual(['c1-accs-0'])
  })

  it('keeps every outbox until its commit is known to be published; then its chunks become garbage', () => {
    const made = indexes(
      step(1, { ...closing(1, 0), deadLetters: [set('c1', 'dead', 2)] }),
      step(2, { ...closing(2, 100), publishedCommit: 0 }),
      step(3, { publishedCommit: 1 }),
    )
    expect(made.map((one) => one.outboxes.map(({ marker }) => marker.commit))).toEqual([[1], [1, 2], [2, 3]])
    expect(garbageOf(made[1])).not.toContain('c1-results-0')
    expect(garbageOf(made[2])).toEqual(expect.arrayContaining(['c1-results-0', 'c1-dead-0', 'c1-dead-1']))
    expect(made[2]?.outboxes[0]).toMatchObject({ marker: { commit: 2, digest: 'digest 2' }, resumeOffset: 20 })
  })

  it('keeps garbage until it is known to be deleted', () => {
    const made = indexes(step(1), step(2), step(3, { sweptCommit: 1 }), step(4, { sweptCommit: 3 }))
    expect(garbageOf(made[2])).toEqual(expect.arrayContaining(['c1-roster-0', 'c2-roster-0']))
    expect(garbageOf(made[3])).toEqual(['c3-index-0', 'c3-open-0', 'c3-roster-0'])
  })

  it('lists the pages of an abandoned attempt in two indexes, since stragglers may write after the first sweep', () => {
    const abandoned = [{ attempt: 'gone', pages: { results: 2, index: 1 } }]
    const made = indexes(step(1, { abandoned }), step(2), step(3), step(4))
    const listed = made.map((one) => garbageOf(one).filter((key) => key.startsWith('gone')))
    const all = ['gone-index-0', 'gone-results-0', 'gone-results-1']
    expect(listed).toEqual([all, all, [], []])
  })

  it('announces every page of every kind', () => {
    expect(keysOf(announcedGarbage('a', { accs: 2, total: 1, dead: 0 }, 0))).toEqual([
      'a-accs-0',
      'a-accs-1',
      'a-total-0',
    ])
  })
})

describe('a stored index', () => {
  const [index] = indexes(step(1)) as [IndexChunk]

  it('is read as it was written, and a second writer keeps what the first wrote', async () => {
    const store = new MemoryStore()
    const digest = await writeIndex(store, 'c1', index)
    expect(await writeIndex(store, 'c1', { ...index, commit: 99 })).toBe(digest)
    expect(await readIndex(store, { attempt: 'c1', digest })).toEqual(index)
  })

  it('that is missing or differs from its digest is never used', async () => {
    const store = new MemoryStore()
    await writeIndex(store, 'c1', index)
    for (const at of [
      { attempt: 'c1', digest: 'another' },
      { attempt: 'c2', digest: 'any' },
    ]) {
      await expect(readIndex(store, at)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
    }
  })
})
