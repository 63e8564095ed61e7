/** The page's API on a job that publishes to PostgreSQL: its answers are the rows of the tables, while the job runs and after it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { JobAnswer, LettersAnswer, VmAnswer, WindowAnswer, WindowsAnswer } from '../../src/page/answers.ts'
import { openPage, type OpenedPage } from '../page/support.ts'
import { startPiped } from '../support/windrow-process.ts'
import { postgresServer } from './postgres-server.ts'
import { fresh } from './run-support.ts'

vi.setConfig({ testTimeout: 120_000 })
const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)
const server = postgresServer()
let folder: string
let page: OpenedPage | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-page-postgres-'))
})
afterEach(async () => {
  await page?.close()
  page = null
  rmSync(folder, { recursive: true, force: true })
})

const point = (vmId: string, window: number, seq: number): string =>
  `${JSON.stringify({ vmId, metric: 'cpu', timestamp: START + window * HOUR + seq * 60_000, seq, value: seq })}\n`
const manifest = (vmId: string, window: number, firstSeq: number, count: number): string =>
  `${JSON.stringify({ manifest: { vmId, windowStart: START + window * HOUR, firstSeq, count } })}\n`

it('shows what the tables have: results with their revisions, certificates and dead letters', async () => {
  const table = fresh('page')
  const results = server().url(`table=${table}`)
  page = await openPage(join(folder, '.windrow'), { tokens: false, results })
  const opened = page
  const windows = async (): Promise<WindowsAnswer['windows']> => {
    const { status, text } = await opened.get('/v1/windows')
    return status === 200 ? (JSON.parse(text) as WindowsAnswer).windows : []
  }
  const run = startPiped(
    ['run', '--input', '-', '--window', '1h', '--partitions', '1', '--checkpoint-every', '1', '--results', results],
    folder,
  )
  try {
    // The first window lacks a point, which comes when the window has closed.
    run.write(manifest('vm-a', 0, 0, 3) + point('vm-a', 0, 0) + point('vm-a', 0, 1) + manifest('vm-a', 1, 3, 1))
    run.write('{"vmId":"vm-a"}\n' + point('vm-a', 1, 3) + point('vm-a', 2, 4))
    await opened.until(async () => (await windows()).length === 2)
    const first = { windowStart: START, expected: 3, received: 2, missing: 1, revised: 0 }
    expect((await windows()).at(-1)).toMatchObject(first)

    run.write(point('vm-a', 0, 2) + manifest('vm-a', 2, 4, 1) + point('vm-a', 3, 5) + manifest('vm-a', 3, 5, 1))
    run.end()
    expect(await run.ended).toMatchObject({ code: 0 })
    await opened.until(async () => (await windows()).length === 4)
  } finally {
    run.kill()
  }

  const rows = await server().query<{ line: string }>(`SELECT result::text AS line FROM ${table} ORDER BY window_start`)
  const published = rows.map(({ line }) => JSON.parse(line) as VmWindowResult)
  const vm = await opened.json<VmAnswer>('/v1/vms/vm-a/windows')
  expect(vm.results.map(({ result }) => result)).toEqual(published)
  expect(published.map(({ revision }) => revision)).toEqual([2, 2, 1, 1])
  expect((await windows()).at(-1)).toMatchObject({ received: 3, missing: 0, revised: 1 })

  const window = await opened.json<WindowAnswer>(`/v1/windows/0/${START}`)
  const [row] = await server().query<{ line: string }>(
    `SELECT certificate::text AS line FROM ${table}_certificates WHERE sequence = 1`,
  )
  expect(window.certified).toMatchObject({ chain: 'holds', certificate: JSON.parse(row?.line ?? '') as object })
  expect(window.certified?.amendedBy).toHaveLength(1)
  const letters = await opened.json<LettersAnswer>('/v1/dead-letters')
  expect(letters).toMatchObject({ total: 1, items: [{ text: '{"vmId":"vm-a"}', isWhole: true, retry: 'none' }] })
  expect((await opened.json<JobAnswer>('/v1/job')).index).toMatchObject({ state: 'ready', vmWindows: 4, problem: null })
})

it('a dropped table, and a server that is down, are shown as they are', async () => {
  const table = fresh('page')
  const results = server().url(`table=${table}`)
  const run = startPiped(['run', '--input', '-', '--window', '1h', '--partitions', '1', '--results', results], folder)
  run.write(manifest('vm-a', 0, 0, 1) + point('vm-a', 0, 0) + point('vm-a', 1, 1))
  run.end()
  expect(await run.ended).toMatchObject({ code: 0 })
  page = await openPage(join(folder, '.windrow'), { tokens: false, results })
  const opened = page
  const index = async (): Promise<JobAnswer['index']> => (await opened.json<JobAnswer>('/v1/job')).index
  await opened.until(async () => (await index()).vmWindows === 2)
  await server().query(`DROP TABLE ${table}_published`)
  await opened.until(async () => (await index()).vmWindows === 0)
  expect(await index()).toMatchObject({ state: 'elsewhere' })
  expect(page.hints.join()).toContain(`table public.${table}`)
  await server().stack.kill('postgres')
  await opened.until(async () => (await index()).state === 'unreadable')
  expect((await index()).problem).toContain('POSTGRES_UNREACHABLE')
  await server().stack.start('postgres')
  await opened.until(async () => (await index()).state === 'elsewhere')
})
