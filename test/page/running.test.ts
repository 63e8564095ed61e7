/**
 * The page beside a job that runs: open windows with what each waits for, values that are marked as provisional, and a job that is
 * killed and started again under an open page.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readStatus } from '../../src/app/status/status.ts'
import type { JobAnswer, OpenAnswer, VmAnswer, WindowAnswer, WindowsAnswer } from '../../src/page/answers.ts'
import { startPiped } from '../support/windrow-process.ts'
import { openPage } from './support.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)
const RUN = ['run', '--input', '-', '--window', '1h', '--partitions', '1', '--checkpoint-every', '1']

const point = (vmId: string, window: number, seq: number): string =>
  `${JSON.stringify({ vmId, metric: 'cpu', timestamp: START + window * HOUR + seq * 60_000, seq, value: seq })}\n`
const manifest = (vmId: string, window: number, firstSeq: number, count: number): string =>
  `${JSON.stringify({ manifest: { vmId, windowStart: START + window * HOUR, firstSeq, count } })}\n`

test('an open window shows what it waits for, a value marked as provisional, and survives a kill of the job', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-page-running-'))
  const page = await openPage(join(folder, '.windrow'), { tokens: false })
  const first = startPiped(RUN, folder)
  try {
    first.write(manifest('vm-a', 0, 0, 3) + point('vm-a', 0, 0) + point('vm-a', 0, 1) + point('vm-b', 0, 0))
    const read = async (): Promise<OpenAnswer> => {
      const { status, text } = await page.get('/v1/open')
      return status === 200 ? (JSON.parse(text) as OpenAnswer) : { snapshot: '', windows: [] }
    }
    await page.until(async () => (await read()).windows[0]?.received === 3)

    const [open] = (await read()).windows
    const [status] = (await readStatus(page.config, new AbortController().signal)).partitions
    expect(open).toMatchObject({ partition: 0, ...status?.open[0] })
    expect(open).toMatchObject({ waitedFor: 2, complete: 0, expected: null, received: 3, missing: 1 })
    expect(open?.waitsFor.first).toEqual([
      { vmId: 'vm-a', producer: '', state: 'missing', expected: 3, received: 2, missing: [[2, 2]], missingCount: 1 },
      { vmId: 'vm-b', producer: '', state: 'unannounced', expected: null, received: 1, missing: [], missingCount: 0 },
    ])
    expect(await page.json<JobAnswer>('/v1/job')).toMatchObject({ process: 'running' })
    const window = await page.json<WindowAnswer>(`/v1/windows/0/${START}`)
    expect(window).toMatchObject({ state: 'open', closed: null, certified: null, vms: { total: 2 } })
    const vm = await page.json<VmAnswer>('/v1/vms/vm-a/windows')
    expect(vm).toMatchObject({ results: [], priorState: null })
    expect(vm.open).toMatchObject([
      {
        provisional: true,
        windowStart: START,
        received: 2,
        expected: 3,
        metrics: { cpu: { count: 2, sum: 1 } },
        problem: null,
      },
    ])

    first.kill()
    await first.ended
    await page.until(async () => (await page.json<JobAnswer>('/v1/job')).process === 'idle')
    expect((await read()).windows).toEqual([open])

    const second = startPiped(RUN, folder)
    // Standard input is numbered from the beginning again, so the records of the first run come first.
    second.write(manifest('vm-a', 0, 0, 3) + point('vm-a', 0, 0) + point('vm-a', 0, 1) + point('vm-b', 0, 0))
    second.write(point('vm-a', 0, 2))
    second.end()
    expect(await second.ended).toMatchObject({ code: 0 })
    const closed = async (): Promise<WindowsAnswer> => page.json<WindowsAnswer>('/v1/windows')
    await page.until(async () => (await closed()).windows.length > 0)
    expect((await closed()).windows).toMatchObject([{ vmWindows: 2, received: 4, byReason: { complete: 1, grace: 1 } }])
    expect((await read()).windows).toEqual([])
  } finally {
    first.kill()
    await page.close()
    rmSync(folder, { recursive: true, force: true })
  }
}, 120_000)
