/**
 * The page of the real program: of a demo while it runs and after it, and of `windrow ui` beside the finished data. Every number
 * is compared with `windrow status --json` and with the published results. The process is killed under an open page.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobStatus } from '../../../src/app/status/status.ts'
import type { VmWindowResult } from '../../../src/core/close-vm-window.ts'
import { formatCount, formatTime } from '../../../src/ui/format.ts'
import { seqsText, valueText, windowText } from '../../../src/page/client/text.ts'
import {
  axeViolations,
  figure,
  launchBrowser,
  openPage,
  rowsOf,
  SCREENS,
  waitUntilLoaded,
} from '../../support/browser.ts'
import { outputOf, resultsIn, start, windrow } from '../../support/windrow-process.ts'

const DEMO = ['demo', '--vms', '60', '--points', '20000', '--window', '2h']
const ADDRESS = /http:\/\/127\.0\.0\.1:(\d+)/

let browser: Browser
let folder: string
let url: string
let demo: ChildProcess
let finished: Promise<unknown>
let status: JobStatus
/** The newest revision of each VM window. */
let results: VmWindowResult[]

beforeAll(async () => {
  browser = await launchBrowser()
  folder = mkdtempSync(join(tmpdir(), 'windrow-page-'))
  demo = start([...DEMO, '--data-dir', folder, '--ui', '0']).child
  finished = outputOf(demo, 'stdout', /^results /m)
  url = `${(await outputOf(demo, 'stderr', ADDRESS))[0]}/`
})
afterAll(async () => {
  await browser?.close()
  demo?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

describe('the page of a demo', () => {
  it('opens while the demo runs, and ends with its figures', async () => {
    const { page, problems, close } = await openPage(browser, url)
    await page.getByRole('link', { name: 'Windrow demo' }).waitFor()
    await finished
    status = JSON.parse(
      (await windrow(['status', '--data-dir', folder, '--job', 'demo', '--json'])).stdout,
    ) as JobStatus
    await figure(page, 'consumed')
      .filter({ hasText: formatCount(status.counts.consumed) })
      .waitFor()
    expect(problems).toEqual([])
    await close()
  })

  it('shows in the overview what status and results say', async () => {
    results = newest(resultsIn(join(folder, 'results.ndjson')))
    const { page, problems, close } = await openPage(browser, url)
    await waitUntilLoaded(page)
    for (const [fate, count] of Object.entries<number>({ ...status.counts })) {
      expect([fate, await figure(page, fate).innerText()]).toEqual([fate, formatCount(count)])
    }
    expect(await rowsOf(page, 'Partitions as of their last commits')).toEqual(
      status.partitions.map((one) => [
        ...[`${one.partition}`, `${one.owner?.epoch}`, formatCount(one.commit), formatCount(one.published)],
        ...[formatCount(one.resumeOffset ?? 0), formatTime(one.watermark ?? 0), `${one.open.length}`],
        ...[formatCount(one.late.pending), 'in order'],
      ]),
    )
    const incomplete = results.filter(({ reason }) => reason !== 'complete')
    expect(incomplete.length).toBeGreaterThan(0)
    const starts = new Set(incomplete.map(({ windowStart }) => windowStart))
    const rows = await rowsOf(page, 'Closed windows that are incomplete')
    expect(new Set(rows.map(([window]) => window))).toEqual(
      new Set([...starts].map((at) => windowText(at, at + status.windowMs))),
    )
    const missing = rows.reduce((sum, row) => sum + Number(row[6]?.replaceAll(',', '')), 0)
    expect(missing).toBe(incomplete.reduce((sum, one) => sum + one.missingCount, 0))
    expect(await axeViolations(page)).toEqual([])
    expect(problems).toEqual([])
    await close()
  })

  it('shows of a VM what its results say, and of its window what is missing', async () => {
    const lacking = results.find(({ missingCount }) => missingCount > 0) as VmWindowResult
    const { page, problems, close } = await openPage(browser, `${url}#/vms/${encodeURIComponent(lacking.vmId)}`)
    await page.getByRole('table', { name: 'Results of this VM, newest first' }).waitFor()
    const own = results.filter(({ vmId }) => vmId === lacking.vmId).sort((a, b) => b.windowStart - a.windowStart)
    expect(await rowsOf(page, 'Results of this VM, newest first')).toEqual(own.map(rowOfResult))
    await page.getByRole('link', { name: windowText(lacking.windowStart, lacking.windowEnd) }).click()
    await page.getByRole('table', { name: 'VMs that are incomplete' }).waitFor()
    const rows = await rowsOf(page, 'VMs that are incomplete')
    expect(rows.find(([vmId]) => vmId === lacking.vmId)).toEqual([
      ...[lacking.vmId, 'default', lacking.reason, formatCount(lacking.expected ?? 0), formatCount(lacking.received)],
      ...[formatCount(lacking.missingCount), seqsText(lacking.missing)],
    ])
    await page.getByText('holds: digest and predecessor are right').waitFor()
    expect(await axeViolations(page)).toEqual([])
    expect(problems).toEqual([])
    await close()
  })

  it('opens on an address of other machines with a token as the password, and stays live', async () => {
    const tokens = join(folder, 'tokens')
    writeFileSync(tokens, 'ops 0123456789abcdef0123\n')
    const ui = ['ui', '--data-dir', folder, '--job', 'demo', '--port', '0', '--host', '0.0.0.0', '--token-file', tokens]
    const { child } = start(ui)
    const [, port = ''] = await outputOf(child, 'stderr', /http:\/\/0\.0\.0\.0:(\d+)/)
    const address = `http://127.0.0.1:${port}/`
    const { page, problems, close } = await openPage(browser, address, SCREENS.light, '0123456789abcdef0123')
    await figure(page, 'consumed')
      .filter({ hasText: formatCount(status.counts.consumed) })
      .waitFor()
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor()
    expect(problems).toEqual([])
    await close()
    const refused = await openPage(browser, address, SCREENS.light, 'not-a-token-of-the-file')
    expect(await refused.page.locator('#app').count()).toBe(0)
    await refused.close()
    child.kill('SIGKILL')
  })

  it('a page whose process is killed reconnects to the next one and is right', async () => {
    demo.kill('SIGKILL')
    const ui = ['ui', '--data-dir', folder, '--job', 'demo', '--port']
    const first = start([...ui, '0']).child
    const [address = '', port = ''] = await outputOf(first, 'stderr', ADDRESS)
    const { page, problems, close } = await openPage(browser, `${address}/`)
    await figure(page, 'consumed')
      .filter({ hasText: formatCount(status.counts.consumed) })
      .waitFor()
    first.kill('SIGKILL')
    await page.getByRole('status').filter({ hasText: 'disconnected' }).waitFor()
    const second = start([...ui, port]).child
    try {
      await outputOf(second, 'stderr', ADDRESS)
      await page
        .getByRole('status')
        .filter({ hasText: /^live$/ })
        .waitFor()
      await figure(page, 'accepted')
        .filter({ hasText: formatCount(status.counts.accepted) })
        .waitFor()
      // The views that were never opened come from the new process.
      await page.getByRole('link', { name: 'Dead letters' }).click()
      await page.getByText('Every record that was read could be used.').waitFor()
      expect(problems).toEqual([])
    } finally {
      second.kill('SIGKILL')
    }
    await close()
  })
})

function newest(all: readonly VmWindowResult[]): VmWindowResult[] {
  const latest = new Map<string, VmWindowResult>()
  for (const one of all) {
    const key = `${one.vmId} ${one.windowStart}`
    if ((latest.get(key)?.revision ?? 0) < one.revision) latest.set(key, one)
  }
  return [...latest.values()]
}

function rowOfResult(result: VmWindowResult): string[] {
  const { cpu } = result.metrics as { readonly cpu?: Readonly<Record<'mean' | 'p50' | 'p95' | 'p99', number>> }
  return [
    ...[windowText(result.windowStart, result.windowEnd), result.reason, `${result.revision}`],
    ...[formatCount(result.expected ?? 0), formatCount(result.received), formatCount(result.duplicates)],
    ...[formatCount(result.missingCount), seqsText(result.missing)],
    ...[cpu?.mean, cpu?.p50, cpu?.p95, cpu?.p99].map((value) => valueText(value ?? null)),
  ]
}
