/**
 * Pins that the Parquet sink publishes each commit exactly once: after a crash at any step every file is there, whole, with
 * the bytes that a run without a crash writes, and the marker never names a commit whose files are missing.
 */
import { describe, expect, it } from 'vitest'
import { WindrowError } from '../../../src/errors/index.ts'
import type { AtomicPublishers, OutboxBatch } from '../../../src/ports/index.ts'
import { createParquetPublishers } from '../../../src/sinks/parquet/publisher.ts'
import { CrashingFileSystem } from '../../adapters/files/crashing-file-system.ts'
import { Random } from '../../support/random.ts'
import { perSuite } from '../../support/seeds.ts'
import { batchOf, HOUR_MS, resultOf } from '../batches.ts'

const DAY_MS = 24 * HOUR_MS
const COMMITS = 3
const MODES = ['before', 'after', 'half'] as const

/** Commit 2 amends a window of the day before, so it has files of two days. Commit 3 has a dead letter only. */
function batch(commit: number): OutboxBatch {
  const results = ['web-1', 'web-2'].map((vm) => resultOf(vm, commit * HOUR_MS + (commit === 2 ? DAY_MS : 0), 1, 2.5))
  if (commit === 2) results.push(resultOf('web-1', HOUR_MS, 2, 7))
  if (commit < 3) return batchOf(commit, results)
  return { ...batchOf(commit, results, 1), results: [], certificates: [] }
}

const publishersOn = (files: CrashingFileSystem, job = 'test'): AtomicPublishers =>
  createParquetPublishers({ files, folder: '/out', deadLetters: '/out/dead-letters', job })

async function publishRest(files: CrashingFileSystem, partition = 0): Promise<void> {
  const publisher = await publishersOn(files).open(partition)
  for (let commit = (publisher.marker?.commit ?? 0) + 1; commit <= COMMITS; commit++)
    await publisher.publish(batch(commit))
  await publisher.close()
}

function randomOf(seed: number): () => number {
  const random = new Random(seed)
  return () => random.next()
}

function commitIn(path: string): number {
  return Number(/(\d+)\.\w+$/.exec(path)?.[1])
}

/** What readers see, as hex digits: not what is being written, and no lower markers, which a crash may leave. */
function visible(files: CrashingFileSystem): ReadonlyMap<string, string> {
  const shown = [...files.contents()].filter(([path]) => !path.startsWith('/out/tmp/'))
  const isMarker = (path: string): boolean => path.startsWith('/out/published/')
  const last = Math.max(...shown.map(([path]) => (isMarker(path) ? commitIn(path) : 0)))
  return new Map(
    shown
      .filter(([path]) => !isMarker(path) || commitIn(path) === last)
      .sort()
      .map(([path, content]) => [path, content.toString('hex')]),
  )
}

async function undisturbed(): Promise<CrashingFileSystem> {
  const files = new CrashingFileSystem()
  await publishRest(files)
  return files
}

describe('the files of a commit', () => {
  it('have names from its partition and number, in the folders of their days', async () => {
    expect([...visible(await undisturbed()).keys()]).toEqual([
      '/out/dead-letters/0-000000000003.parquet',
      '/out/metrics/day=1970-01-01/0-000000000001.parquet',
      '/out/metrics/day=1970-01-01/0-000000000002.parquet',
      '/out/metrics/day=1970-01-02/0-000000000002.parquet',
      '/out/published/0/000000000003.json',
      '/out/results/day=1970-01-01/0-000000000001.parquet',
      '/out/results/day=1970-01-01/0-000000000002.parquet',
      '/out/results/day=1970-01-02/0-000000000002.parquet',
    ])
  })

  it('are complete and equal after a crash at any step, and the marker names no commit whose files are missing', async () => {
    const expected = await undisturbed()
    for (let step = 0; step < expected.steps; step++) {
      for (const mode of MODES.slice(perSuite({ unit: step % 3, simulation: 0 })).slice(
        0,
        perSuite({ unit: 1, simulation: 3 }),
      )) {
        const files = new CrashingFileSystem()
        const error = Object.assign(new Error('the machine crashed'), { code: 'EIO' })
        files.failAt = { step, mode, error, isFinal: true }
        await expect(publishRest(files)).rejects.toThrow('the machine crashed')
        files.crash(randomOf(3 * step + mode.length))
        const kept = visible(files)
        for (const [path, content] of kept)
          if (path.endsWith('.parquet')) expect(content, path).toBe(visible(expected).get(path))
        const { marker } = await publishersOn(files).open(0)
        const due = [...visible(expected).keys()].filter((path) => commitIn(path) <= (marker?.commit ?? 0))
        expect([...kept.keys()], `${mode} step ${step}`).toEqual(expect.arrayContaining(due))
        await publishRest(files)
        expect(visible(files), `${mode} step ${step}`).toEqual(visible(expected))
      }
    }
  })
})

describe('a former owner of a partition', () => {
  it('that publishes a commit again changes nothing, and its lower marker does not count', async () => {
    const files = new CrashingFileSystem()
    const former = await publishersOn(files).open(0)
    await former.publish(batch(1))
    await publishRest(files)
    const before = visible(files)
    await former.publish(batch(2))
    expect((await publishersOn(files).open(0)).marker).toEqual(batch(COMMITS).marker)
    for (const [path, content] of before) expect(visible(files).get(path), path).toBe(content)
  })

  it('fails if its file is removed by its successor while it is being written', async () => {
    const files = new CrashingFileSystem()
    const former = await publishersOn(files).open(0)
    const rename = files.rename.bind(files)
    files.rename = async (from, to) => {
      files.rename = rename
      await publishersOn(files).open(0)
      await rename(from, to)
    }
    await expect(former.publish(batch(1))).rejects.toMatchObject({ code: 'PUBLISHER_FENCED' })
    expect([...visible(files).keys()]).toEqual([])
  })
})

it('partitions do not touch each other', async () => {
  const files = await undisturbed()
  const first = visible(files)
  await publishRest(files, 1)
  expect(visible(files).size).toBe(2 * first.size)
  for (const [path, content] of first) expect(visible(files).get(path), path).toBe(content)
})

it('a folder with the results of another job is refused', async () => {
  const files = await undisturbed()
  const opened = publishersOn(files, 'other').open(0)
  await expect(opened).rejects.toMatchObject({ code: 'RESULTS_OF_ANOTHER_JOB' })
  await expect(opened).rejects.toBeInstanceOf(WindrowError)
})

it('a full disk is a retryable error', async () => {
  const files = new CrashingFileSystem()
  const publisher = await publishersOn(files).open(0)
  const error = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  files.failAt = { step: files.steps + 4, mode: 'half', error, isFinal: false }
  await expect(publisher.publish(batch(1))).rejects.toMatchObject({ code: 'RESULTS_DISK_FULL' })
})
