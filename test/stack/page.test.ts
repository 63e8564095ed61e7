/**
 * The page in headless Chromium beside a job on the real stack with two processors: every number equals `windrow status --json`
 * and the published results. One processor is killed under the open page; an operator retries a dead letter and closes a window
 * from the page, and both are recorded with who and why.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createCertificateDecoder } from '../../src/adapters/avro/encode-certificate.ts'
import type { JobStatus } from '../../src/app/status/status.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import { shareText } from '../../src/page/client/completeness.ts'
import { windowText } from '../../src/page/client/text.ts'
import { formatCount, formatTime } from '../../src/ui/format.ts'
import { axeViolations, figure, launchBrowser, openPage, rowsOf, waitUntilLoaded } from '../support/browser.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { outputOf } from '../support/windrow-process.ts'
import { committedIn } from './kafka-support.ts'
import {
  brokersOf,
  createTopic,
  decodeResults,
  fresh,
  produce,
  stackForTests,
  startCommand,
  startRun,
  statusOf,
  type Result,
} from './run-support.ts'

const WINDOW_MS = 3_600_000
const VMS = 12
const PARTITIONS = 4
const TOKEN = '0123456789abcdef0123'
const stack = stackForTests()
const fleet = fleetLines({ vms: VMS, windows: 4, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 11 })
const perWindow = fleet.length / 4
/** The second window lacks two points of vm-3, so that it closes by its grace period. */
const isLost = (line: string): boolean => /"vmId":"vm-3".*"seq":[56],/.test(line)
const BROKEN = '{"vmId":"vm-5","metric":"cpu","timestamp":"never","seq":8,"value":1}'
const isRepaired = (line: string): boolean => /"vmId":"vm-5".*"seq":8,/.test(line)
/** Two windows, and half of the third without the record that arrives broken. */
const before = fleet.slice(0, 2 * perWindow + 2 * VMS).filter((line) => !isLost(line) && !isRepaired(line))

let browser: Browser
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-page-stack-'))
  writeFileSync(join(folder, 'tokens'), `ops ${TOKEN}\n`)
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

/**
 * The newest revisions of the results, by the partition that has the VM's records. kcat chooses it in another way than the job
 * does for its results.
 */
async function publishedOf(job: string): Promise<Result[][]> {
  const connection = { brokers: [brokersOf(stack())] }
  const newest = new Map<string, Result>()
  for (const message of (await committedIn(connection, `${job}-results`)).flat()) {
    const [result] = await decodeResults([message.value ?? Buffer.alloc(0)])
    if (result !== undefined) newest.set(`${result.vmId} ${result.windowStart}`, result)
  }
  const input = await committedIn(connection, `${job}-in`)
  const keys = input.map((messages) => new Set(messages.map(({ key }) => key?.toString())))
  return keys.map((vmIds) => [...newest.values()].filter(({ vmId }) => vmIds.has(vmId)))
}

async function certificatesOf(job: string): Promise<Certificate[]> {
  const decode = createCertificateDecoder()
  const partitions = await committedIn({ brokers: [brokersOf(stack())] }, `${job}-certificates`)
  return partitions.flat().flatMap(({ value }) => {
    const decoded = decode(value ?? Buffer.alloc(0))
    return decoded.kind === 'line' ? [JSON.parse(decoded.line) as Certificate] : []
  })
}

/** What a cell of the heat map says of a partition's closed window. */
function cellOf(results: readonly Result[]): string {
  if (results.length === 0) return 'none'
  const weakest = ['complete', 'grace', 'forced'].findLast((reason) => results.some((one) => one.reason === reason))
  const missing = results.reduce((sum, { missingCount }) => sum + missingCount, 0)
  const expected = results.reduce((sum, one) => sum + (one.expected ?? 0), 0)
  if (weakest === 'complete' || results.some((one) => one.expected === null)) return `${weakest}`
  return `${weakest}, ${shareText(missing, expected)}`
}

/**
 * Compares all numbers of the overview with the status and the results. A commit that ends meanwhile changes all three, so they
 * are read again until they are of the same moment.
 */
async function expectOverview(page: Page, job: string): Promise<void> {
  const compare = async (): Promise<void> => compareOverview(page, job, await statusOf(stack(), job))
  await vi.waitFor(compare, { timeout: 60_000, interval: 1_000 })
}

async function compareOverview(page: Page, job: string, status: JobStatus): Promise<void> {
  const published = await publishedOf(job)
  await page.goto(page.url().replace(/#.*/, '#/'))
  await page.reload()
  await figure(page, 'consumed')
    .filter({ hasText: formatCount(status.counts.consumed) })
    .waitFor()
  await waitUntilLoaded(page)
  for (const [fate, count] of Object.entries<number>({ ...status.counts })) {
    expect([fate, await figure(page, fate).innerText()]).toEqual([fate, formatCount(count)])
  }
  const lag = status.partitions.reduce((sum, one) => sum + (one.lag ?? 0), 0)
  expect(await figure(page, 'lag').innerText()).toBe(formatCount(lag))
  expect(await rowsOf(page, 'Partitions as of their last commits')).toEqual(
    status.partitions.map((one) => [
      ...[one.partition, one.owner?.epoch ?? 0, one.commit, one.published, one.resumeOffset ?? 0].map(formatCount),
      ...[formatCount(one.logEnd ?? 0), formatCount(one.lag ?? 0), formatTime(one.watermark ?? 0)],
      ...[`${one.open.length}`, formatCount(one.late.pending), 'in order'],
    ]),
  )

  const closed = [...new Set(published.flat().map(({ windowStart }) => windowStart))].sort((a, b) => a - b)
  const incomplete = closed
    .toReversed()
    .flatMap((start) => published.map((results, partition) => ({ start, partition, results: at(results, start) })))
    .filter(({ results }) => results.some(({ reason }) => reason !== 'complete'))
  const sum = (results: readonly Result[], pick: (one: Result) => number): string =>
    formatCount(results.reduce((total, one) => total + pick(one), 0))
  const shown = await rowsOf(page, 'Closed windows that are incomplete')
  expect(shown.map((row) => [...row.slice(0, 2), ...row.slice(3, 7)])).toEqual(
    incomplete.map(({ start, partition, results }) => [
      ...[windowText(start, start + WINDOW_MS), `${partition}`],
      `${results.filter(({ reason }) => reason === 'complete').length} of ${results.length}`,
      results.some(({ expected }) => expected === null) ? 'unknown' : sum(results, (one) => one.expected ?? 0),
      sum(results, (one) => one.received),
      sum(results, (one) => one.missingCount),
    ]),
  )

  const open = status.partitions.flatMap((one) => one.open.map((window) => ({ ...window, partition: one.partition })))
  const rows = await rowsOf(page, 'Open windows and what each waits for')
  expect(rows.map((row) => row.slice(0, 4))).toEqual(
    open
      .sort((a, b) => a.start - b.start || a.partition - b.partition)
      .map(({ partition, start, end, vmWindows, complete, waitedFor }) => [
        ...[windowText(start, end), `${partition}`, formatCount(vmWindows)],
        `${complete} of ${waitedFor}`,
      ]),
  )

  await page.getByText('Show as a table').click()
  await page.getByRole('table', { name: 'Completeness by window, newest window first' }).waitFor()
  const cells = await rowsOf(page, 'Completeness by window, newest window first')
  const starts = [...new Set([...closed, ...open.map(({ start }) => start)])].sort((x, y) => y - x)
  const isOpen = (partition: number, start: number): boolean =>
    open.some((one) => one.partition === partition && one.start === start)
  // What has arrived of an open window is in the table of open windows.
  expect(cells.map((row) => row.slice(1).map((text) => text.replace(/^open, .*/, 'open')))).toEqual(
    published.map((results, partition) =>
      starts.map((start) => (isOpen(partition, start) ? 'open' : cellOf(at(results, start)))),
    ),
  )
}

const at = (results: readonly Result[], start: number): Result[] =>
  results.filter(({ windowStart }) => windowStart === start)

/** Polls until the job has read this many records and published this many results. Returns its status. */
async function settled(job: string, consumed: number, results: number): Promise<JobStatus> {
  for (;;) {
    const status = await statusOf(stack(), job)
    // The lag may stay at 1: a retry is a transaction, whose end takes an offset that no record has.
    if (status.counts.consumed === consumed && (await publishedOf(job)).flat().length === results) return status
  }
}

it('shows the numbers of two processors, survives a kill, and orders from it are carried out and recorded', async () => {
  const job = fresh('page')
  const topic = `${job}-in`
  await createTopic(stack(), topic, PARTITIONS)
  await stack().startDaprd({ index: 5 })
  const args = ['--deadline', '36500d', '--checkpoint-every', '1']
  const runs = [0, 5].map((daprd) => startRun(stack(), { job, topic, daprd, once: false, args }))
  const ui = startCommand(
    [
      ...['ui', '--sidecar', 'dapr', '--brokers', brokersOf(stack()), '--job', job, '--port', '0'],
      ...['--token-file', join(folder, 'tokens')],
    ],
    { DAPR_GRPC_PORT: String(stack().description.daprds[0]?.ports.grpc) },
  )
  const [address] = await outputOf(ui.child, 'stderr', /http:\/\/127\.0\.0\.1:\d+/)
  await Promise.all(runs.map((run) => run.logged(({ msg }) => msg === 'taken-over')))
  await produce(stack(), topic, [...before, BROKEN])

  const { page, problems, close } = await openPage(browser, `${address}/#/`)
  const first = await settled(job, before.length + 1, 2 * VMS)
  expect(first.counts).toMatchObject({ rejected: 1, accepted: before.length - 2 * VMS })
  await expectOverview(page, job)

  // The results of a VM that lacks points, and its window with what is missing and the instances that closed it.
  await page.goto(`${address}/#/vms/vm-3`)
  await page.getByRole('table', { name: 'Results of this VM, newest first' }).waitFor()
  const results = (await publishedOf(job)).flat().filter(({ vmId }) => vmId === 'vm-3')
  expect((await rowsOf(page, 'Results of this VM, newest first')).map((row) => row.slice(0, 8))).toEqual(
    results
      .sort((a, b) => b.windowStart - a.windowStart)
      .map(({ windowStart, reason, revision, expected, received, duplicates, missingCount }) => [
        ...[windowText(windowStart, windowStart + WINDOW_MS), reason, `${revision}`, formatCount(expected ?? 0)],
        ...[formatCount(received), formatCount(duplicates), formatCount(missingCount), missingCount === 0 ? '' : '5–6'],
      ]),
  )
  await page.getByRole('link', { name: windowText(WINDOW_MS, 2 * WINDOW_MS) }).click()
  await page.getByText('holds: digest and predecessor are right').waitFor()
  expect((await rowsOf(page, 'VMs that are incomplete'))[0]).toEqual(['vm-3', 'default', 'grace', '4', '2', '2', '5–6'])
  const instances = await rowsOf(page, 'Workflow instances')
  expect(instances.length).toBeGreaterThan(0)
  for (const [, , state, , duration, retries, failure] of instances) {
    expect({ state, retries, failure }).toEqual({ state: 'completed', retries: '0', failure: 'none' })
    expect(duration).toMatch(/ m?s$/)
  }

  // A processor is killed under the open page; the other one takes its partitions, and more records come.
  runs[1]?.child.kill('SIGKILL')
  await runs[1]?.ended
  const more = fleet.slice(2 * perWindow + 2 * VMS, 2 * perWindow + 3 * VMS)
  await produce(stack(), topic, more)
  const second = await settled(job, before.length + 1 + more.length, 2 * VMS)
  await expectOverview(page, job)

  // The broken record is repaired and sent again, and the window is closed without the rest of its points.
  await page.goto(`${address}/#/dead-letters`)
  await page.getByText('timestamp is "never"', { exact: false }).waitFor()
  await page.getByRole('button', { name: /^Send again: / }).click()
  const repaired = fleet.find(isRepaired) ?? ''
  await order(page, 'Send this record again', 'the clock was repaired', async (dialog) => {
    await dialog.getByLabel('Repaired record, as a line of the input').fill(repaired)
  })
  const third = await settled(job, second.counts.consumed + 1, 2 * VMS)
  expect(third.counts.accepted).toBe(second.counts.accepted + 1)
  await page.getByText('sent again', { exact: true }).waitFor()
  const [note] = (await committedIn({ brokers: [brokersOf(stack())] }, `${job}-retried`)).flat()
  expect(note?.value?.toString()).toMatch(
    /"who":"Ada \(ops\)".*"why":"the clock was repaired"|"why":"the clock was repaired".*"who":"Ada \(ops\)"/,
  )

  const windowStart = 2 * WINDOW_MS
  const partition = third.partitions.find((one) => one.open.some(({ start }) => start === windowStart))?.partition ?? -1
  await page.goto(`${address}/#/windows/${partition}/${windowStart}`)
  await page.getByRole('button', { name: 'Close now' }).click()
  await order(page, 'Close this window now', 'host retired')
  await page.getByText('Closed by an operator by Ada (ops): host retired', { exact: false }).waitFor()
  const ofForced = third.partitions[partition]?.open[0]?.vmWindows ?? 0
  const forced = (await certificatesOf(job)).filter((one) => one.forced !== null)
  expect(forced).toMatchObject([
    { partition, window: { start: windowStart }, reason: 'forced', forced: { who: 'Ada (ops)', why: 'host retired' } },
  ])
  await settled(job, third.counts.consumed, 2 * VMS + ofForced)
  await expectOverview(page, job)
  expect(await axeViolations(page)).toEqual([])
  expect(problems).toEqual([])
  await close()
})

/** Fills in the dialog of an order and sends it. */
async function order(
  page: Page,
  title: string,
  why: string,
  more: (dialog: ReturnType<Page['getByRole']>) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const dialog = page.getByRole('dialog', { name: title })
  await more(dialog)
  await dialog.getByLabel('Token').fill(TOKEN)
  await dialog.getByLabel('Reason, which is recorded').fill(why)
  await dialog.getByLabel('Your name (optional)').fill('Ada')
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Close', exact: true }).click()
  await dialog.waitFor({ state: 'hidden' })
}
