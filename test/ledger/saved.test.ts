/**
 * This version reads state that earlier versions wrote: a partition in the middle of its work, with open windows, unpublished
 * results and an intent, resumes and publishes exact results.
 *
 * A version is saved before its formats change, and never again after:
 *
 *     WINDROW_SAVE_STATE=0.1.0 npx vitest run --project unit test/ledger/saved.test.ts
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import type { Decoded } from '../../src/core/point.ts'
import { parseLedger } from '../../src/ledger/ledger.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import type { OutboxBatch, PublishedMarker, WorkflowEngine } from '../../src/ports/index.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { summary } from '../../src/core/summary.ts'
import { duplicatesOf, makeFleet, withinGrace } from '../support/fleet.ts'
import { failureOf, makeJob } from '../support/job.ts'
import { Random } from '../support/random.ts'
import { recordsOf } from '../support/records.ts'

const FOLDER = fileURLToPath(new URL('saved/', import.meta.url))

interface Saved {
  /** The whole topic. */
  readonly records: readonly Decoded[]
  readonly store: Readonly<Record<string, string>>
  /** What readers had seen when it stopped, and its marker. */
  readonly published: { readonly batches: readonly OutboxBatch[]; readonly marker: PublishedMarker | null }
  /** Results of the whole, as that version gave them without a break. */
  readonly results: readonly string[]
}

const LIMITS = { ...DEFAULT_LIMITS, checkpointEveryRecords: 40 }

/** Runs until a window's commit, the fifth or later, has been announced and nothing come of it. */
async function save(): Promise<Saved> {
  const random = new Random(11)
  const sent = makeFleet(random, { vms: 4, windows: 6, hasManifests: true })
  const records = withinGrace(random, [...sent, ...duplicatesOf(random, sent)])
  const whole = makeJob(recordsOf(records), { limits: LIMITS })
  await whole.run()

  const store = new MemoryStore()
  const engine = new MemoryEngine({ store, aggregator: summary })
  const dying: WorkflowEngine = {
    start: (id, input) => {
      const { commit, close } = JSON.parse(input) as { commit: number; close: object | null }
      if (commit >= 5 && close !== null) throw new WindrowError('died', { code: 'WORKER_STOPPED', remedy: '-' })
      return engine.start(id, input)
    },
    poll: (id) => engine.poll(id),
    purge: (id) => engine.purge(id),
  }
  const batches: OutboxBatch[] = []
  const job = makeJob(recordsOf(records), { store, engine: dying, limits: LIMITS })
  const publishers = {
    open: async (partition: number) => {
      const publisher = await job.results.open(partition)
      const publish = async (batch: OutboxBatch): Promise<void> => {
        await publisher.publish(batch)
        batches.push(batch)
      }
      return { ...publisher, publish }
    },
  }
  await failureOf(job.run({ publishers }))
  const keys = store.keys()
  const values = await store.get(keys)
  return {
    records,
    store: Object.fromEntries(keys.map((key) => [key, values.get(key)?.value ?? ''])),
    published: { batches, marker: batches.at(-1)?.marker ?? null },
    results: whole.results.results,
  }
}

const version = process.env['WINDROW_SAVE_STATE']
if (version !== undefined) {
  const path = `${FOLDER}${version}.json`
  if (existsSync(path)) throw new Error(`${path} is there: what a version wrote does not change`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(path, `${JSON.stringify(await save())}\n`)
}

describe.each(readdirSync(FOLDER).filter((name) => name.endsWith('.json')))('%s', (name) => {
  const saved = JSON.parse(readFileSync(FOLDER + name, 'utf8')) as Saved
  const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as object)

  it('contains open windows, unpublished results and a commit that was begun', () => {
    const [key = ''] = Object.keys(saved.store).filter((one) => one.endsWith('-ledger'))
    const ledger = parseLedger(saved.store[key] ?? '', key)
    expect(ledger.intent).not.toBeNull()
    expect(ledger.commit).toBeGreaterThan(3)
    expect(saved.published.batches.length).toBeGreaterThan(0)
    expect(saved.published.batches.length).toBeLessThan(saved.results.length)
  })

  it('resumes to the results of its own version, each published once', async () => {
    const store = new MemoryStore()
    for (const [key, value] of Object.entries(saved.store)) await store.insert(key, value)
    const job = makeJob(recordsOf(saved.records), { store, limits: LIMITS })
    const publisher = await job.results.open(0)
    for (const batch of saved.published.batches) await publisher.publish(batch)
    await job.run()
    expect(parsed(job.results.results)).toMatchObject(parsed(saved.results))
    expect(job.results.results).toHaveLength(saved.results.length)
    expect((await job.ledger()).resumeOffset).toBe(saved.records.length)
  })

  it('is refused and left unchanged if its format is unknown', async () => {
    const store = new MemoryStore()
    for (const [key, value] of Object.entries(saved.store))
      await store.insert(key, key.endsWith('-ledger') ? value.replace(/"format":\d+/, '"format":999') : value)
    const before = store.keys()
    const job = makeJob(recordsOf(saved.records), { store })
    expect(await failureOf(job.run())).toMatchObject({ code: 'LEDGER_FORMAT' })
    expect(store.keys()).toEqual(before)
  })
})
