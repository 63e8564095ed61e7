/** The output of `windrow status` for ledgers and logs, and for a state that it cannot read. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveSettings } from '../../../src/library/settings.ts'
import { connectSidecar } from '../../../src/adapters/dapr/client.ts'
import { createDaprStateStore } from '../../../src/adapters/dapr/state-store.ts'
import { readStatus, statusOf, type StoredPartition, type StatusConfig } from '../../../src/app/status/status.ts'
import { NO_LOG, type TopicLog } from '../../../src/app/status/topic-state.ts'
import { partitionOf } from '../../../src/core/murmur2.ts'
import { PartitionState } from '../../../src/core/partition-state.ts'
import { summary } from '../../../src/core/summary.ts'
import { startEmbeddedSidecar } from '../../../src/embedded/index.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { IndexChunk } from '../../../src/ledger/index-chunk.ts'
import { bindJob, type JobRecord } from '../../../src/ledger/job-record.ts'
import { emptyLedger, type Intent, type Ledger } from '../../../src/ledger/ledger.ts'
import { takeOver } from '../../../src/ledger/takeover.ts'
import type { PartitionView } from '../../../src/pipeline/inspect.ts'
import { manifest, point, recordsOf, RULES } from '../../support/records.ts'

const RECORD: JobRecord = {
  format: 1,
  job: 'fleet',
  partitions: 2,
  rules: RULES,
  aggregator: 'summary@1',
  fields: {},
  source: { kind: 'kafka', topic: 'vm', topicId: '0' },
}

function viewOf(ledger: Partial<Ledger>, index: Partial<IndexChunk> | null = null): PartitionView {
  const state = new PartitionState(RULES, summary)
  for (const record of recordsOf([
    ...[point('a', 0, 10), manifest('a', 0, 0, 1), point('b', 0, 20), point('a', 1, 110)],
  ])) {
    state.fold(record)
  }
  state.roster.set({ vmId: 'c', producer: '', missedWindows: 1 })
  return {
    ledger: { ...emptyLedger('fleet', 0, 0), ...ledger },
    index: index as IndexChunk | null,
    state,
    latePoints: 2,
  }
}

const storedOf = (view: PartitionView | null, more: Partial<StoredPartition> = {}): StoredPartition => ({
  ...{ ledger: view?.ledger ?? null, view, problem: null, halt: null },
  ...more,
})
const only = (view: PartitionView | null, log = NO_LOG, more: Partial<StoredPartition> = {}) => {
  const [status] = statusOf({ ...RECORD, partitions: 1 }, [storedOf(view, more)], log).partitions
  return status
}
const logOf = (start: number, end: number): TopicLog => ({ ...NO_LOG, ranges: new Map([[0, { start, end }]]) })

test('open windows are listed in order, with their VM windows, expected VMs and complete VMs', () => {
  expect(only(viewOf({}))?.open).toEqual([
    { start: 0, end: 100, vmWindows: 2, waitedFor: 3, complete: 1 },
    { start: 100, end: 200, vmWindows: 1, waitedFor: 2, complete: 0 },
  ])
})

test('lag is the distance from the resume offset to the end of the log, and unknown without a log', () => {
  expect(only(viewOf({ resumeOffset: 40 }), logOf(0, 100))).toMatchObject({ logEnd: 100, lag: 60, halted: null })
  expect(only(viewOf({ resumeOffset: 40 }))).toMatchObject({ logEnd: null, lag: null, halted: null })
})

test.each([
  ['deleted before it was read', 40, 50, 100],
  ['cut', 40, 0, 30],
])('a partition whose log was %s is halted', (_, resumeOffset, start, end) => {
  const { halted } = only(viewOf({ resumeOffset }), logOf(start, end)) ?? {}
  expect(halted).toEqual({
    code: 'DATA_LOSS',
    message: `partition 0 of job fleet must resume at offset 40, but the log holds ${start} to ${end}`,
    remedy: expect.stringContaining('restore the log') as string,
    atMs: null,
  })
})

describe('a partition is halted', () => {
  const said = { code: 'STATE_BEHIND', message: 'commit 9 is published', remedy: 'Restore it.' }
  const halt = { ...said, format: 1, epoch: 3, token: 't', atMs: 1000 } as const
  const broken = new WindrowError('chunk x is gone', { code: 'CHUNK_BROKEN', remedy: 'Restore the store.' })

  test('with the reason that its owner stored, whatever its log and chunks show', () => {
    const { halted } = only(viewOf({ resumeOffset: 40 }), logOf(50, 100), { halt, problem: broken }) ?? {}
    expect(halted).toEqual({ ...said, atMs: 1000 })
  })

  test('before any process has taken it over', () => {
    expect(only(null, NO_LOG, { halt })).toMatchObject({ owner: null, halted: { ...said, atMs: 1000 } })
  })

  test('by lost chunks, and the figures of its ledger are still shown', () => {
    const { ledger } = viewOf({ commit: 7, resumeOffset: 40 })
    expect(only(null, logOf(0, 100), { ledger, problem: broken })).toMatchObject({
      ...{ commit: 7, lag: 60, open: [], lastClosed: null },
      halted: { code: 'CHUNK_BROKEN', message: 'chunk x is gone', remedy: 'Restore the store.', atMs: null },
    })
  })
})

test('a job whose topic was recreated is halted as a whole', () => {
  const halt = new WindrowError('recreated', { code: 'TOPIC_RECREATED', remedy: 'Start a new job.' })
  const { halted, partitions } = statusOf(RECORD, [storedOf(viewOf({})), storedOf(null)], { ...NO_LOG, halt })
  expect(halted).toEqual({ code: 'TOPIC_RECREATED', message: 'recreated', remedy: 'Start a new job.', atMs: null })
  expect(partitions.map((one) => one.halted)).toEqual([null, null])
})

test('the lag of a partition that was never taken is its whole log', () => {
  expect(only(null, logOf(30, 100))).toMatchObject({ owner: null, commit: 0, resumeOffset: null, lag: 70, open: [] })
})

test('the status has the intent without its pages, and the last close from the index', () => {
  const what = { commit: 8, epoch: 3, cut: 99, window: 0, trigger: 'grace' } as const
  const intent: Intent = { ...what, attempt: 'x', pages: { accs: 3 } }
  const lastClosed = { window: 0, reason: 'deadline', statesDropped: 0 } as const
  const view = viewOf({ intent, epoch: 3, token: 't', commit: 7, published: { commit: 6, digest: '' } }, { lastClosed })
  expect(only(view)).toMatchObject({
    owner: { epoch: 3, token: 't' },
    commit: 7,
    published: 6,
    lastClosed,
    intent: what,
  })
  expect(Object.keys(only(view)?.intent ?? {})).toEqual(Object.keys(what))
})

test('counts are summed over all partitions', () => {
  const counts = { consumed: 5, accepted: 2, duplicate: 1, conflict: 0, late: 1, rejected: 0, manifests: 1 }
  expect(statusOf(RECORD, [storedOf(viewOf({ counts })), storedOf(viewOf({ counts }))], NO_LOG).counts).toEqual({
    ...{ consumed: 10, accepted: 4, duplicate: 2, conflict: 0, late: 2, rejected: 0, manifests: 2 },
  })
})

describe('on an embedded state', () => {
  let dataDir: string
  let config: StatusConfig
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'windrow-status-'))
    config = {
      ...resolveSettings({ input: ['-'] }),
      ...{ job: 'fleet', sidecar: 'embedded', daprHost: '127.0.0.1', daprGrpcPort: 1, stateStore: 'statestore' },
      ...{ dataDir, maxValueBytes: 2 ** 20, brokers: [] },
    }
  })
  afterEach(() => rmSync(dataDir, { recursive: true }))
  const signal = new AbortController().signal

  /** Creates a job with one of two partitions taken; `whileHeld` runs before the state is released. */
  async function leaveJob(record: JobRecord, whileHeld = async () => {}): Promise<void> {
    const sidecar = await startEmbeddedSidecar({ dataDir: join(dataDir, 'state'), inThread: false })
    const client = connectSidecar({ host: '127.0.0.1', grpcPort: sidecar.grpcPort })
    const store = createDaprStateStore({ client, storeName: 'statestore', maxValueBytes: 2 ** 20 })
    await bindJob(store, record)
    await takeOver(store, record.job, 1, 'token001', 5)
    await whileHeld()
    client.close()
    await sidecar.close()
  }

  test('the state is read, and the next run can open it', async () => {
    await leaveJob({ ...RECORD, source: { kind: 'files' } })
    for (let look = 0; look < 2; look++) {
      expect(await readStatus(config, signal)).toMatchObject({
        ...{ job: 'fleet', topic: null, lagProblem: null, windowMs: 100, windows: '100ms' },
        partitions: [{ owner: null }, { owner: { epoch: 1, token: 'token001' }, resumeOffset: 5, commit: 0 }],
      })
    }
  })

  test('the lag is unknown with a reason when brokers are not given or do not answer', async () => {
    await leaveJob(RECORD)
    expect((await readStatus(config, signal)).lagProblem).toBe('give --brokers to see the lag')
    const { lagProblem, partitions } = await readStatus({ ...config, brokers: ['127.0.0.1:1'] }, signal)
    expect(lagProblem).toContain('ECONNREFUSED')
    expect(partitions[1]).toMatchObject({ lag: null, resumeOffset: 5 })
  })

  test('a state that a run has locked is read through the sidecar of that run', async () => {
    await leaveJob(RECORD, async () => {
      expect(await readStatus(config, signal)).toMatchObject({ job: 'fleet', partitions: [{}, { resumeOffset: 5 }] })
    })
  })

  test('a state that is locked but not served is an error', async () => {
    await leaveJob(RECORD, async () => {
      rmSync(join(dataDir, 'state', 'endpoint.json'))
      await expect(readStatus(config, signal)).rejects.toMatchObject({
        code: 'DATA_DIR_BUSY',
        message: `the state in ${dataDir} is held by a process that is starting or shutting down`,
      })
    })
  })

  test('the status of a folder without a run creates nothing', async () => {
    await expect(readStatus(config, signal)).rejects.toMatchObject({ code: 'NO_STATE' })
    expect(existsSync(join(dataDir, 'state'))).toBe(false)
  })

  test('the status of an unknown job is an error', async () => {
    await leaveJob(RECORD)
    await expect(readStatus({ ...config, job: 'other' }, signal)).rejects.toMatchObject({ code: 'NO_JOB' })
  })
})

test('VMs far ahead of the others are counted and named, as of the last commit', () => {
  const view = viewOf({})
  for (let seq = 2; seq < 5; seq++) for (const record of recordsOf([point('b', seq, 20 + seq)])) view.state.fold(record)
  for (const record of recordsOf([point('far', 0, 86_400_000)])) view.state.fold(record)
  expect(only(view)?.ahead).toEqual({ count: 1, vms: [{ vmId: 'far', highest: 86_400_000 }] })
  expect(only(viewOf({}))?.ahead).toEqual({ count: 0, vms: [] })
})

test('VMs that two partitions know are named, with the partition that the default partitioner gives', () => {
  const { vmsInTwoPartitions } = statusOf(RECORD, [storedOf(viewOf({})), storedOf(viewOf({}))], NO_LOG)
  expect(vmsInTwoPartitions).toEqual({
    count: 2,
    vms: ['a', 'b'].map((vmId) => ({ vmId, partitions: [0, 1], expected: partitionOf(vmId, 2) })),
  })
  const one = statusOf(RECORD, [storedOf(viewOf({})), storedOf(null)], NO_LOG)
  expect(one.vmsInTwoPartitions).toEqual({ count: 0, vms: [] })
})
