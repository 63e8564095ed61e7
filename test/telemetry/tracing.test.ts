/** Traces, end to end on the embedded sidecar: one per partition window. Tracing does not change the results. */
import { beforeAll, describe, expect, it, test } from 'vitest'
import { isChosen } from '../../src/telemetry/tracing.ts'
import { AGGREGATE, COMMIT } from '../../src/workflows/names.ts'
import { FLEET, runObserved, type ObservedRun, type ReadableSpan } from './run-observed.ts'

describe('a traced run', () => {
  let run: ObservedRun
  let roots: readonly ReadableSpan[]
  const childrenOf = (parent: ReadableSpan): ReadableSpan[] =>
    run.spans.filter((span) => span.parentSpanContext?.spanId === parent.spanContext().spanId)
  /** The windows of each commit, by the number of the commit, in the order in which they closed. */
  const joinedRoots = (): ReadableSpan[][] => {
    const joined = new Map<unknown, ReadableSpan[]>()
    const startOf = ({ attributes }: ReadableSpan): string => String(attributes['windrow.window.start'])
    for (const root of roots.toSorted((a, b) => (startOf(a) < startOf(b) ? -1 : 1))) {
      const { attributes } = root
      const commit = childrenOf(root).find(({ name }) => name === 'commit')?.attributes['windrow.commit']
      const key = `${String(attributes['windrow.partition'])} ${String(commit)}`
      joined.set(key, [...(joined.get(key) ?? []), root])
    }
    return [...joined.values()]
  }
  const commitOf = (root: ReadableSpan): ReadableSpan =>
    childrenOf(root).find(({ name }) => name === 'commit') as ReadableSpan
  const namesUnder = (parent: ReadableSpan): string[] => childrenOf(parent).map(({ name }) => name)

  beforeAll(async () => {
    run = await runObserved({ traceVmSampling: 0.5, vmsPerWorkflow: 1 })
    roots = run.spans.filter(({ parentSpanContext }) => parentSpanContext === undefined)
  })

  it('has one trace per partition window, and no span outside of them', () => {
    expect(roots.map(({ name }) => name)).toEqual(Array.from({ length: FLEET.windows }, () => 'window'))
    const starts = roots.map(({ attributes }) => attributes['windrow.window.start'])
    expect(new Set(starts).size).toBe(FLEET.windows)
    const traces = new Set(run.spans.map((span) => span.spanContext().traceId))
    expect(traces).toEqual(new Set(roots.map((span) => span.spanContext().traceId)))
  })

  it('has commit and publish as children of each window, and the activities under the last window of each commit', () => {
    for (const root of roots) expect(namesUnder(root).sort()).toEqual(['commit', 'publish'])
    for (const joined of joinedRoots()) {
      const last = joined.pop() as ReadableSpan
      expect(namesUnder(commitOf(last)).sort()).toEqual([`${AGGREGATE} activity`, `${COMMIT} activity`])
      for (const root of joined) expect(namesUnder(commitOf(root))).toEqual([])
    }
  })

  it('has the configured share of VM windows, each with the turn that ran it', () => {
    for (const joined of joinedRoots()) {
      const [aggregate] = childrenOf(commitOf(joined.at(-1) as ReadableSpan)).filter(
        ({ name }) => name === `${AGGREGATE} activity`,
      )
      const vmWindows = childrenOf(aggregate as ReadableSpan)
      const chosen = (FLEET.vms * joined.length) / 2
      expect(vmWindows.map(({ name }) => name)).toEqual(Array.from({ length: chosen }, () => 'vm-window'))
      for (const one of vmWindows) expect(namesUnder(one)).toEqual(['vm-window turn'])
    }
  })

  it('starts a window before its commit and ends it after its publication', () => {
    // A span's start is in whole milliseconds of the wall clock; its duration comes from a finer clock.
    const at = ([seconds, nanos]: [number, number]): number => seconds * 1e3 + nanos / 1e6
    for (const root of roots) {
      for (const child of childrenOf(root)) {
        expect(at(child.startTime)).toBeGreaterThanOrEqual(at(root.startTime))
        expect(at(child.endTime)).toBeLessThanOrEqual(at(root.endTime) + 1)
      }
    }
  })

  it('has the same results as a run without tracing', async () => {
    const plain = await runObserved({ traceSampling: 0 })
    expect(plain.spans).toEqual([])
    expect(plain.results).toBe(run.results)
    expect(plain.results.split('\n').length).toBeGreaterThan(FLEET.vms * FLEET.windows)
  })
})

test.each([
  [1, [0, 1, 2, 3, 4, 5]],
  [0.5, [0, 2, 4]],
  [0.25, [0, 4]],
  [0.01, [0]],
  [0, []],
])('a share of %d selects the same VM windows in every attempt, including the first', (share, expected) => {
  expect([0, 1, 2, 3, 4, 5].filter((index) => isChosen(index, share))).toEqual(expected)
})
