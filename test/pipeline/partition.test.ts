/**
 * One partition from takeover to end: what a batch, a stop, a crash or a clock may change (nothing), and what must halt.
 */
import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryEngine } from '../support/memory-engine.ts'
import { MemorySource } from '../support/memory-source.ts'
import { isBalanced } from '../../src/core/fate.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { haltKey, readHalt } from '../../src/ledger/halt.ts'
import { proposeIntent, takeOver } from '../../src/ledger/takeover.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import type { WorkflowEngine } from '../../src/ports/index.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { duplicatesOf, makeFleet, withinGrace } from '../support/fleet.ts'
import { failureOf, lostReply, makeJob, type TestJob } from '../support/job.ts'
import { Random } from '../support/random.ts'
import { garbage, manifest, point, recordsOf, RULES } from '../support/records.ts'
import { caughtUp, END, records, ScriptSource, type Script } from '../support/script-source.ts'

/** What was closed and published, in short. */
function closesOf(job: TestJob): string[] {
  return job.results.results.map((line) => {
    const { vmId, windowStart, reason, received } = JSON.parse(line) as { [key: string]: unknown }
    return `${String(windowStart)} ${String(vmId)}:${String(reason)}/${String(received)}`
  })
}

function cutsOf(events: readonly PipelineEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === 'cut' ? [`@${event.cut} ${event.window ?? '-'} ${event.trigger ?? 'checkpoint'}`] : [],
  )
}

/** Dies, as a process does, when it is to start a workflow: the intent is written, and nothing came of it. */
const DYING: WorkflowEngine = {
  start: () => Promise.reject(new WindrowError('died', { code: 'WORKER_STOPPED', remedy: '-' })),
  poll: () => Promise.resolve({ kind: 'absent' }),
  purge: () => Promise.resolve(),
}

describe('a partition', () => {
  it('leaves no listener on the signal of its process, however often it is run', async () => {
    const stop = new AbortController()
    const job = makeJob(recordsOf([point('a', 0, 0)], 1))
    await job.run({}, stop.signal)
    await job.run({}, stop.signal)
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  it('publishes the same whatever the batches and checkpoints', async () => {
    const fleets = fc.record({
      seed: fc.nat(),
      vms: fc.integer({ min: 1, max: 4 }),
      windows: fc.integer({ min: 1, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fleets,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 30 }),
        async (fleet, size, every) => {
          const random = new Random(fleet.seed)
          const sent = makeFleet(random, { ...fleet, hasManifests: random.chance(0.5) })
          const list = recordsOf(withinGrace(random, [...sent, ...duplicatesOf(random, sent)]), 2)
          const one = makeJob(list)
          await one.run()
          const source = new MemorySource({ partitions: [list], batchSize: () => random.int(1, size) })
          const other = makeJob(list, { source, limits: { ...DEFAULT_LIMITS, checkpointEveryRecords: every } })
          const end = await other.run()
          expect(other.results.results).toEqual(one.results.results)
          expect(end.counts).toEqual((await one.ledger()).counts)
          expect((await other.ledger()).resumeOffset).toBe((list.at(-1)?.offset ?? -1) + 1)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('that is stopped commits what it folded, and the next run resumes from there', async () => {
    const list = recordsOf([10, 60, 120, 170, 230, 290].map((at, seq) => point('a', seq, at)))
    const stop = new AbortController()
    const job = makeJob(list)
    const source = new ScriptSource({ lines: [records(...list.slice(0, 4)), { kind: 'silence' }] })
    const observe = (event: PipelineEvent): void => {
      if (event.kind === 'folded') stop.abort()
    }
    await job.run({ source, observe }, stop.signal)
    expect(await job.ledger()).toMatchObject({ resumeOffset: 4, counts: { consumed: 4 }, intent: null })
    expect(closesOf(job)).toEqual(['0 a:grace/2'])
    const rest = new ScriptSource({ lines: [records(...list)] })
    await job.run({ source: rest })
    expect(rest.opened).toEqual([4])
    expect(closesOf(job)).toEqual(['0 a:grace/2', '100 a:grace/2', '200 a:grace/2'])
  })

  it('that is taken over reports the windows of its last commit before it reads a record', async () => {
    const list = recordsOf([10, 60, 120, 170].map((at, seq) => point('a', seq, at)))
    const stop = new AbortController()
    const job = makeJob(list)
    const first = new ScriptSource({ lines: [records(...list.slice(0, 3)), { kind: 'silence' }] })
    const observe = (event: PipelineEvent): void => {
      if (event.kind === 'folded') stop.abort()
    }
    await job.run({ source: first, observe }, stop.signal)
    const events: PipelineEvent[] = []
    const rest = new ScriptSource({ lines: [records(...list)] })
    await job.run({ source: rest, observe: (event) => events.push(event) })
    const states = events.filter(({ kind }) => kind === 'recovered' || kind === 'folded')
    expect(states[0]).toMatchObject({
      ...{ kind: 'recovered', position: 3, watermark: 120, openWindows: 1, window: 100, counts: { consumed: 3 } },
    })
    expect(states[1]).toMatchObject({ kind: 'folded', position: 4 })
  })

  it('that ended says so, and a further run changes nothing', async () => {
    const job = makeJob(recordsOf([point('a', 0, 10)]))
    const first = await job.run()
    const before = await job.ledger()
    expect(before.published).toEqual({ commit: before.commit, digest: before.digest })
    const second = await job.run()
    expect(second).toEqual(first)
    expect(await job.ledger()).toEqual({ ...before, epoch: before.epoch + 1, token: 'token002' })
  })

  it('of no records ends with nothing', async () => {
    const job = makeJob([])
    expect(await job.run()).toMatchObject({ commit: 0, counts: { consumed: 0 } })
    expect(job.results.results).toEqual([])
  })

  it('publishes dead letters with place, size, digest and a capped copy of the bytes', async () => {
    const wide = `not JSON ${'x'.repeat(2000)}`
    const job = makeJob(recordsOf([garbage(wide), point('a', 0, 10)]))
    await job.run()
    const [line] = job.results.deadLetters
    const { bytes, detail, digest, ...letter } = JSON.parse(line ?? '') as { [key: string]: unknown }
    expect(letter).toEqual({
      partition: 0,
      offset: 0,
      reason: 'undecodable',
      place: { file: 'test.ndjson', line: 1 },
      size: JSON.stringify(garbage(wide)).length,
    })
    expect(detail).toHaveLength(500)
    expect(Buffer.from(String(bytes), 'base64')).toHaveLength(1024)
    expect(digest).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await job.ledger()).toMatchObject({ counts: { consumed: 2, rejected: 1, accepted: 1 } })
  })

  it('makes a cut for the sake of many dead letters, so that they do not pile up', async () => {
    const job = makeJob(recordsOf(Array.from({ length: 2500 }, () => garbage('x'))))
    await job.run()
    expect(cutsOf(job.events)).toEqual(['@999 - checkpoint', '@1999 - checkpoint', '@2499 - checkpoint'])
    expect(job.results.deadLetters).toHaveLength(2500)
  })

  it('names the producers that it waits for no more', async () => {
    const job = makeJob(recordsOf([point('b', 0, 10), ...[20, 120, 220, 320, 420].map((at, i) => point('a', i, at))]))
    await job.run()
    expect(job.events.filter((event) => event.kind === 'dropped-from-roster')).toEqual([
      {
        kind: 'dropped-from-roster',
        partition: 0,
        window: 300,
        producers: [{ vmId: 'b', producer: '', missedWindows: 3 }],
      },
    ])
  })

  it.each<[string, Partial<Script>]>([
    ['begins above the resume offset', { logStart: 3 }],
    ['ends below it', { logStart: 0, logEnd: 1 }],
  ])('halts for lost data when the log %s', async (_, log) => {
    const job = makeJob(recordsOf([point('a', 0, 10), point('a', 1, 20)]))
    await job.run()
    const source = new ScriptSource({ lines: [END], ...log })
    expect(await failureOf(job.run({ source }))).toMatchObject({
      code: 'DATA_LOSS',
      message: expect.stringContaining('must resume at offset 2') as string,
    })
    expect((await job.ledger()).resumeOffset).toBe(2)
  })

  it('that halts leaves word of it, which the next takeover voids', async () => {
    const job = makeJob(recordsOf([point('a', 0, 10), point('a', 1, 20)]))
    const halt = async () => readHalt(job.store, 'job', 0, await job.ledger())
    await job.run()
    expect(await halt()).toBeNull()
    await failureOf(job.run({ source: new ScriptSource({ lines: [END], logStart: 3 }) }))
    const { epoch, token } = await job.ledger()
    expect(await halt()).toMatchObject({
      ...{ code: 'DATA_LOSS', epoch, token },
      remedy: expect.stringContaining('restore the log') as string,
    })
    await job.run()
    expect(await halt()).toBeNull()
  })

  it('that was lost to another owner, or asked to stop, is not halted', async () => {
    const list = recordsOf([10, 120].map((at, seq) => point('a', seq, at)))
    const job = makeJob(list)
    const losing = faultyStore(job.store, {
      before: async ({ method, keys }) => {
        if (method === 'insert' && keys[0]?.includes('-accs-')) await takeOver(job.store, 'job', 0, 'another0', 0)
      },
    })
    expect(await failureOf(job.run({ store: losing }))).toMatchObject({ code: 'PARTITION_LOST' })
    const stop = new AbortController()
    const stopping = faultyStore(job.store, {
      before: ({ method }) => {
        if (method !== 'insert') return
        stop.abort()
        throw lostReply()
      },
    })
    expect(await failureOf(job.run({ store: stopping }, stop.signal))).toMatchObject({ code: 'STOPPED' })
    expect(job.store.keys()).not.toContain(haltKey('job', 0))
  })

  it('whose halt reason cannot be stored emits that, and throws the original error', async () => {
    const job = makeJob(recordsOf([point('a', 0, 10)]))
    await job.run()
    const store = faultyStore(job.store, {
      before: ({ keys }) => {
        if (keys[0] === haltKey('job', 0)) throw lostReply()
      },
    })
    const source = new ScriptSource({ lines: [END], logStart: 3 })
    expect(await failureOf(job.run({ store, source }))).toMatchObject({ code: 'DATA_LOSS' })
    expect(job.events).toContainEqual({
      kind: 'halt-not-kept',
      partition: 0,
      window: null,
      reason: 'the reply was lost',
    })
  })

  it('refuses a source that goes back', async () => {
    const list = recordsOf([point('a', 0, 10), point('a', 1, 20)])
    const source = new ScriptSource({ lines: [records(...list), records(...list)] })
    await expect(makeJob(list, { source }).run()).rejects.toThrow('offset 0 came after 1')
  })

  it('whose chunk is missing halts, unless another has taken it over', async () => {
    const list = recordsOf([10, 120, 130].map((at, seq) => point('a', seq, at)))
    const job = makeJob(list, { source: new ScriptSource({ lines: [records(...list), END] }) })
    await job.run()
    const isRoster = (key: string): boolean => key.includes('-roster-')
    await job.store.delete(job.store.keys().filter(isRoster))
    expect(await failureOf(job.run())).toMatchObject({ code: 'CHUNK_BROKEN' })
    const store = faultyStore(job.store, {
      before: async ({ keys }) => {
        if (keys.some(isRoster)) await takeOver(job.store, 'job', 0, 'another0', 0)
      },
    })
    expect(await failureOf(job.run({ store }))).toMatchObject({ code: 'PARTITION_LOST' })
  })
})

describe('a decision of the wall clock', () => {
  /** Without amendments, so that what comes after a close shows. */
  const rules: Windowing = { ...RULES, deadlineMs: 50, amendWindows: 0 }
  const SENT: Decoded[] = [point('a', 0, 10), point('a', 1, 110), manifest('a', 100, 1, 1), point('a', 2, 20)]
  const list = recordsOf(SENT, 2)
  /** Records 0, 2 and 4, the end of the log at offset 6 (5 is a transaction marker), then record 6. */
  const asDecided = new ScriptSource({
    lines: [records(...list.slice(0, 3)), caughtUp(6, 150), records(...list.slice(3))],
  })
  const EXPECTED = ['0 a:deadline/1', '100 a:complete/1']

  it('closes at the end of the log as it was when the timer fired, and closes what that makes complete', async () => {
    const job = makeJob([], { rules, source: asDecided })
    await job.run()
    expect(cutsOf(job.events)).toEqual(['@5 0 deadline', '@5 100 complete', '@6 - checkpoint'])
    expect(closesOf(job)).toEqual(EXPECTED)
    expect(await job.ledger()).toMatchObject({ counts: { accepted: 2, late: 1, manifests: 1 } })
  })

  it('waits for the clock, and for the log', async () => {
    const source = new ScriptSource({
      lines: [records(...list.slice(0, 3)), caughtUp(6, 149), records(...list.slice(3))],
    })
    const job = makeJob([], { rules, source })
    await job.run()
    expect(cutsOf(job.events)).toEqual(['@6 0 grace', '@6 100 complete'])
  })

  it('leaves history alone that trickles in: the deadline counts from the last record', async () => {
    // By the wall clock window 0 is long over at each end of the log; the test's clock moves by 1 ms per question.
    const old = list.map((one) => [records(one), caughtUp(one.offset + 1, 60)]).flat()
    const job = makeJob([], { rules: { ...rules, deadlineMs: 55 }, source: new ScriptSource({ lines: old }) })
    await job.run()
    expect(cutsOf(job.events).filter((cut) => cut.includes('deadline'))).toEqual([])
  })

  it('commits late points that no close takes along after amendWithin, and once', async () => {
    const late = recordsOf([point('a', 0, 10), point('a', 1, 130), point('a', 2, 50), point('a', 3, 140)])
    const lines = [records(...late.slice(0, 3)), caughtUp(3, 500), caughtUp(3, 900), records(...late.slice(3))]
    const job = makeJob([], {
      rules: RULES,
      source: new ScriptSource({ lines }),
      limits: { ...DEFAULT_LIMITS, amendWithinMs: 300 },
    })
    await job.run()
    const amended = job.results.results.map(
      (line) => JSON.parse(line) as { windowStart: number; revision: number; received: number },
    )
    expect(amended.map(({ windowStart, revision, received }) => [windowStart, revision, received])).toEqual([
      ...[
        [0, 1, 1],
        [0, 2, 2],
        [100, 1, 2],
      ],
    ])
    expect(cutsOf(job.events).slice(0, 2)).toEqual(['@1 0 grace', '@2 - checkpoint'])
  })

  it.each<[string, Script]>([
    ['when all records come at once', { lines: [records(...list)] }],
    ['when they come one by one', { lines: list.map((one) => records(one)) }],
    [
      'when the log ends before the next record',
      { lines: [records(...list.slice(0, 3)), caughtUp(6, 0), records(...list.slice(3))] },
    ],
    ['when the input ends', { lines: [records(...list.slice(0, 3))] }],
  ])('is made again at its cut by the next owner: %s', async (_, script) => {
    const job = makeJob([], { rules })
    expect(await failureOf(job.run({ source: asDecided, engine: DYING }))).toMatchObject({ code: 'WORKER_STOPPED' })
    expect((await job.ledger()).intent).toMatchObject({ cut: 5, window: 0, trigger: 'deadline' })
    job.events.length = 0
    await job.run({ source: new ScriptSource(script) })
    expect(closesOf(job)).toEqual(EXPECTED)
    const closes = cutsOf(job.events).filter((cut) => !cut.includes('checkpoint'))
    expect(closes.map((cut) => cut.replace(/^@\d+ /, ''))).toEqual(['0 deadline', '100 complete'])
  })

  it.each(['deadline', 'forced'] as const)(
    'or of an operator, found as an intent, closes nothing else: %s',
    async (trigger) => {
      const job = makeJob([], { rules: RULES })
      const { owner } = await takeOver(job.store, 'job', 0, 'before00', 0)
      const proposal = { cut: 2, window: 0, trigger, pages: {} }
      await proposeIntent(job.store, owner, 0, proposal, { commit: 0, digest: '' })
      await job.run({ source: new ScriptSource({ lines: [records(...list)] }) })
      expect(cutsOf(job.events)[0]).toBe(`@2 0 ${trigger}`)
      expect(closesOf(job)[0]).toBe(`0 a:${trigger}/1`)
    },
  )

  it.each(['grace', 'complete'] as const)(
    'an intent that the records make again needs no reminder: %s',
    async (trigger) => {
      const job = makeJob([], { rules: RULES })
      const { owner } = await takeOver(job.store, 'job', 0, 'before00', 0)
      await proposeIntent(job.store, owner, 0, { cut: 0, window: 0, trigger, pages: {} }, { commit: 0, digest: '' })
      await job.run({ source: new ScriptSource({ lines: [records(...list)] }) })
      expect(closesOf(job)).toEqual(['0 a:grace/2', '100 a:complete/1'])
    },
  )
})

describe('every cut', () => {
  it('has counts that add up, and an offset that never goes back', async () => {
    const random = new Random(7)
    const sent = makeFleet(random, { vms: 4, windows: 4, hasManifests: true })
    const decoded = withinGrace(random, [...sent, ...duplicatesOf(random, sent)]).flatMap((one) =>
      random.chance(0.05) ? [one, garbage()] : [one],
    )
    const list = recordsOf(decoded)
    const ledgers: { resumeOffset: number; consumed: number }[] = []
    const job = makeJob(list, { limits: { ...DEFAULT_LIMITS, checkpointEveryRecords: 5 } })
    const engine = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    const observe = async (event: PipelineEvent): Promise<void> => {
      if (event.kind !== 'committed') return
      const { resumeOffset, counts } = await job.ledger()
      expect(isBalanced(counts)).toBe(true)
      ledgers.push({ resumeOffset, consumed: counts.consumed })
    }
    await job.run({ engine, observe: (event) => void observe(event) })
    expect(ledgers.length).toBeGreaterThan(10)
    for (const [i, { resumeOffset, consumed }] of ledgers.entries()) {
      expect(consumed, 'every record below the resume offset, none above').toBe(resumeOffset)
      expect(resumeOffset).toBeGreaterThanOrEqual(ledgers[i - 1]?.resumeOffset ?? 0)
    }
  })
})
