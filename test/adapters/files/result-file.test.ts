/**
 * Pins that every batch is in the files exactly once, after a crash or a failure at any step: a lost page cache, a
 * half-written line, a side file that was or was not renamed, a full disk.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFilePublisherFactory } from '../../../src/adapters/files/result-file.ts'
import { readPublishedResults } from '../../../src/adapters/files/read-results.ts'
import { parseSideFile } from '../../../src/adapters/files/side-file.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { OutboxBatch, AtomicPublisher, AtomicPublishers } from '../../../src/ports/index.ts'
import { CrashingFileSystem } from './crashing-file-system.ts'
import type { FailureMode } from './crashing-file-system.ts'

const RESULTS = '/data/results.ndjson'
const DEAD_LETTERS = '/data/dead/letters.ndjson'
const CERTIFICATES = '/data/certificates.ndjson'
const PARTITIONS = [0, 1, 2]
const COMMITS = 4

function batchOf(partition: number, commit: number): OutboxBatch {
  const line = (kind: string) => JSON.stringify({ kind, partition, commit, text: 'é'.repeat(commit * 5) })
  return {
    marker: { commit, digest: `${partition}/${commit}` },
    resumeOffset: commit * 10,
    results: commit % 3 === 0 ? [] : [line('result a'), line('result b')],
    deadLetters: commit % 2 === 0 ? [line('dead letter')] : [],
    certificates: commit % 3 === 1 ? [line('certificate')] : [],
  }
}

/** Publishes the batches after the marker, as a pipeline does: it discards a failed publisher and opens a new one. */
async function publishAll(factory: AtomicPublishers, partition: number, retries = 0): Promise<void> {
  let publisher: AtomicPublisher | null = null
  try {
    publisher = await factory.open(partition)
    for (let commit = (publisher.marker?.commit ?? 0) + 1; commit <= COMMITS; commit++) {
      await publisher.publish(batchOf(partition, commit))
    }
    await publisher.close()
  } catch (error) {
    await publisher?.close().catch(() => undefined)
    if (retries === 0) throw error
    await publishAll(factory, partition, retries - 1)
  }
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')

function expectEverythingOnce(files: CrashingFileSystem): void {
  const batches = PARTITIONS.flatMap((partition) => [1, 2, 3, 4].map((commit) => batchOf(partition, commit)))
  expect(linesOf(files.text(RESULTS)).sort()).toEqual(batches.flatMap((batch) => batch.results).sort())
  expect(linesOf(files.text(DEAD_LETTERS)).sort()).toEqual(batches.flatMap((batch) => batch.deadLetters).sort())
  expect(linesOf(files.text(CERTIFICATES)).sort()).toEqual(batches.flatMap((batch) => batch.certificates).sort())
}

/** Opening removes lines that were written but never published. */
function expectNoTail(files: CrashingFileSystem): void {
  const side = parseSideFile(files.text(`${RESULTS}.windrow.json`))
  expect(Buffer.byteLength(files.text(RESULTS))).toBe(side?.results.bytes)
  expect(Buffer.byteLength(files.text(DEAD_LETTERS))).toBe(side?.deadLetters.bytes)
  expect(Buffer.byteLength(files.text(CERTIFICATES))).toBe(side?.certificates.bytes)
}

const factoryOn = (files: CrashingFileSystem) =>
  createFilePublisherFactory({
    results: RESULTS,
    deadLetters: DEAD_LETTERS,
    certificates: CERTIFICATES,
    job: 'job',
    files,
  })

/** Number of steps of an undisturbed run. */
async function countSteps(): Promise<number> {
  const files = new CrashingFileSystem()
  const factory = factoryOn(files)
  await Promise.all(PARTITIONS.map((partition) => publishAll(factory, partition)))
  expectEverythingOnce(files)
  return files.steps
}

/** Park and Miller's generator; the seed is the step, so that a failure is reproducible. */
function randomOf(seed: number): () => number {
  let state = seed + 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

describe('results in files', () => {
  test('are published exactly once when the machine goes down at any step, and at any step of the recovery', async () => {
    const steps = await countSteps()
    expect(steps).toBeGreaterThan(40)
    for (const mode of ['before', 'after', 'half'] satisfies FailureMode[]) {
      for (let step = 0; step < steps; step++) {
        const files = new CrashingFileSystem()
        const random = randomOf(step * 3 + mode.length)
        for (const at of [step, Math.floor(random() * 30)]) {
          const failAt = { step: files.steps + at, mode, error: new Error('power failure'), isFinal: true }
          files.failAt = failAt
          const factory = factoryOn(files)
          await Promise.allSettled(PARTITIONS.map((partition) => publishAll(factory, partition)))
          files.crash(random)
        }
        const factory = factoryOn(files)
        await (await factory.open(0)).close()
        expectNoTail(files)
        await Promise.all(PARTITIONS.map((partition) => publishAll(factory, partition)))
        expectEverythingOnce(files)
      }
    }
  })

  test('are published exactly once if any single step fails and the process continues', async () => {
    const steps = await countSteps()
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
    for (const mode of ['before', 'after', 'half'] satisfies FailureMode[]) {
      for (let step = 0; step < steps; step++) {
        const files = new CrashingFileSystem()
        files.failAt = { step, mode, error: full, isFinal: false }
        const factory = factoryOn(files)
        await Promise.all(PARTITIONS.map((partition) => publishAll(factory, partition, 3)))
        expectEverythingOnce(files)
      }
    }
  })

  test('of partitions that publish at once share their syncs', async () => {
    const files = new CrashingFileSystem()
    const factory = factoryOn(files)
    const publishers = await Promise.all(PARTITIONS.map((partition) => factory.open(partition)))
    const before = files.steps
    await (publishers[0] as AtomicPublisher).publish(batchOf(0, 1))
    const alone = files.steps - before
    await Promise.all(publishers.slice(1).map((publisher, i) => publisher.publish(batchOf(i + 1, 1))))
    expect(files.steps - before).toBe(2 * alone)
  })

  test('on a full disk fail with a remedy and are retryable', async () => {
    const files = new CrashingFileSystem()
    const publisher = await factoryOn(files).open(0)
    files.failAt = {
      step: files.steps + 1,
      mode: 'half',
      error: Object.assign(new Error('write'), { code: 'ENOSPC' }),
      isFinal: true,
    }
    const error = await publisher.publish(batchOf(0, 1)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'RESULTS_DISK_FULL', disposition: 'retryable' })
    files.failAt = null
    await publisher.close()
  })
})

describe('a publisher of files', () => {
  test('is fenced by a later one of its partition, which sees what the earlier one published', async () => {
    const factory = factoryOn(new CrashingFileSystem())
    const earlier = await factory.open(0)
    const published = earlier.publish(batchOf(0, 1))
    const later = await factory.open(0)
    await published
    expect(later.marker).toEqual({ commit: 1, digest: '0/1' })
    await expect(earlier.publish(batchOf(0, 2))).rejects.toMatchObject({ code: 'PUBLISHER_FENCED' })
    await later.publish(batchOf(0, 2))
    await earlier.close()
    await later.publish(batchOf(0, 3))
    await later.close()
  })

  test('permanently rejects a commit that is already published', async () => {
    const publisher = await factoryOn(new CrashingFileSystem()).open(0)
    await publisher.publish(batchOf(0, 2))
    await expect(publisher.publish(batchOf(0, 2))).rejects.toMatchObject({ disposition: 'fatal' })
    await publisher.close()
  })
})

describe('a results path', () => {
  let folder: string
  let options: { results: string; deadLetters: string; certificates: string; job: string }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'windrow-results-'))
    const [results, deadLetters] = [join(folder, 'new/results.ndjson'), join(folder, 'new/dead.ndjson')]
    options = { results, deadLetters, certificates: join(folder, 'certificates.ndjson'), job: 'job' }
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const codeOfOpen = async (changes: Partial<typeof options> = {}): Promise<string> => {
    try {
      await (await createFilePublisherFactory({ ...options, ...changes }).open(0)).close()
      return 'opened'
    } catch (error) {
      if (error instanceof WindrowError) return error.code
      throw error
    }
  }

  const publishFirst = async (): Promise<void> => {
    const publisher = await createFilePublisherFactory(options).open(0)
    await publisher.publish(batchOf(0, 1))
    await publisher.close()
  }

  test('has its folder created, and ends with results, dead letters and the side file, but no lock', async () => {
    await publishFirst()
    expect(readFileSync(options.results, 'utf8')).toBe(batchOf(0, 1).results.join('\n') + '\n')
    expect(JSON.parse(readFileSync(`${options.results}.windrow.json`, 'utf8'))).toEqual({
      version: 2,
      job: 'job',
      results: { bytes: statSync(options.results).size },
      deadLetters: { path: 'dead.ndjson', bytes: 0 },
      certificates: { path: '../certificates.ndjson', bytes: statSync(options.certificates).size },
      partitions: { 0: { commit: 1, digest: '0/1' } },
    })
    expect(existsSync(`${options.results}.windrow.lock`)).toBe(false)
  })

  test('is rejected if the file is not known to contain results, and accepted if it is empty', async () => {
    await publishFirst()
    const mine = join(folder, 'mine.ndjson')
    writeFileSync(mine, '')
    const certificates = join(folder, 'mine.certificates.ndjson')
    expect(await codeOfOpen({ results: mine, certificates })).toBe('opened')
    writeFileSync(join(folder, 'other.ndjson'), 'precious\n')
    expect(await codeOfOpen({ results: join(folder, 'other.ndjson') })).toBe('RESULTS_FILE_EXISTS')
    expect(readFileSync(join(folder, 'other.ndjson'), 'utf8')).toBe('precious\n')
    rmSync(`${options.results}.windrow.json`)
    expect(await codeOfOpen()).toBe('RESULTS_FILE_EXISTS')
  })

  test('with another job’s results, or other dead letters, is refused', async () => {
    await publishFirst()
    expect(await codeOfOpen({ job: 'other' })).toBe('RESULTS_FILE_EXISTS')
    expect(await codeOfOpen({ deadLetters: join(folder, 'elsewhere.ndjson') })).toBe('RESULTS_FILE_EXISTS')
    expect(await codeOfOpen({ certificates: join(folder, 'elsewhere.ndjson') })).toBe('RESULTS_FILE_EXISTS')
    expect(await codeOfOpen()).toBe('opened')
  })

  test('with a file that lost published lines, or an unreadable side file, is refused', async () => {
    await publishFirst()
    const text = readFileSync(options.results, 'utf8')
    writeFileSync(options.results, text.slice(0, -1))
    expect(await codeOfOpen()).toBe('RESULTS_FILE_DAMAGED')
    writeFileSync(options.results, text)
    writeFileSync(`${options.results}.windrow.json`, '{"version":1')
    expect(await codeOfOpen()).toBe('RESULTS_FILE_DAMAGED')
  })

  test('that is a folder is a fatal error', async () => {
    const error = await createFilePublisherFactory({ ...options, results: folder })
      .open(0)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'RESULTS_UNWRITABLE', disposition: 'fatal' })
  })

  test('has one writer at a time: a second one is refused until the first has ended', async () => {
    const first = await createFilePublisherFactory(options).open(0)
    expect(await codeOfOpen()).toBe('RESULTS_FILE_LOCKED')
    await first.close()
    expect(await codeOfOpen()).toBe('opened')
  })

  test('whose lock was left by a dead process is taken over', async () => {
    await publishFirst()
    const lock = `${options.results}.windrow.lock`
    for (const owner of ['', '{"host"', JSON.stringify({ host: 'elsewhere', pid: 1, started: null, token: 'a' })]) {
      writeFileSync(lock, owner)
      expect(await codeOfOpen()).toBe('opened')
    }
  })

  test.runIf(process.platform === 'linux')(
    'whose lock belongs to a live process is rejected until the process ends or its pid is reused',
    async () => {
      await publishFirst()
      const lock = `${options.results}.windrow.lock`
      const child = spawn('sleep', ['100'])
      const exited = once(child, 'exit')
      await once(child, 'spawn')
      const pid = child.pid as number
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
      const owner = { host: hostname(), pid, started, token: 'a' }
      writeFileSync(lock, JSON.stringify({ ...owner, started: '1' }))
      expect(await codeOfOpen()).toBe('opened')
      writeFileSync(lock, JSON.stringify(owner))
      expect(await codeOfOpen()).toBe('RESULTS_FILE_LOCKED')
      child.kill()
      await exited
      expect(await codeOfOpen()).toBe('opened')
    },
  )

  test('that was taken over accepts no more writes from its earlier writer', async () => {
    const first = await createFilePublisherFactory(options).open(0)
    writeFileSync(
      `${options.results}.windrow.lock`,
      JSON.stringify({ host: 'elsewhere', pid: 1, started: null, token: 'a' }),
    )
    await expect(first.publish(batchOf(0, 1))).rejects.toMatchObject({ code: 'RESULTS_FILE_LOCKED' })
    expect(readFileSync(options.results, 'utf8')).toBe('')
    await first.close()
    expect(existsSync(`${options.results}.windrow.lock`)).toBe(true)
  })

  test('is read up to the last published line', async () => {
    await publishFirst()
    writeFileSync(options.results, readFileSync(options.results, 'utf8') + '{"half":')
    const read: unknown[] = []
    for await (const result of readPublishedResults(options.results)) read.push(result)
    expect(read).toEqual(batchOf(0, 1).results.map((line) => JSON.parse(line) as unknown))
  })
})
