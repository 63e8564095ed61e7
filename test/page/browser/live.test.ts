/**
 * The page while things change under it: new results, a server that is killed and comes back, a job that does not exist yet, a
 * partition that halts.
 */
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { axeViolations, launchBrowser, openPage, type WatchedPage } from '../../support/browser.ts'
import { PageServer } from '../../support/page-server.ts'
import { PageWorld } from '../../support/page-world.ts'

const before = new PageWorld({ partitions: 2, vms: 12, windows: 5 }, 'before')
const after = new PageWorld({ partitions: 2, vms: 12, windows: 9 }, 'after')
const accepted = (world: PageWorld): string => world.status().counts.accepted.toLocaleString('en-US')

let browser: Browser
let server: PageServer
let opened: WatchedPage | null = null
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())
beforeEach(async () => {
  server = await PageServer.start(before)
})
afterEach(async () => {
  await opened?.close()
  await server.stop()
})

async function open(hash: string): Promise<WatchedPage> {
  opened = await openPage(browser, server.url + hash)
  return opened
}

it('new results appear without a reload', async () => {
  const { page, problems } = await open('#/')
  await page.getByText(accepted(before), { exact: true }).waitFor()
  server.show(after)
  await page.getByText(accepted(after), { exact: true }).waitFor()
  expect(problems).toEqual([])
})

it('a page whose server is killed shows it, keeps its figures, and is right after the restart', async () => {
  const { page, problems } = await open('#/')
  await page.getByText(accepted(before), { exact: true }).waitFor()
  await server.stop()
  await page.getByRole('status').filter({ hasText: 'disconnected' }).waitFor()
  await page.getByText(accepted(before), { exact: true }).waitFor()
  server.show(after)
  await server.listen()
  await page.getByText(accepted(after), { exact: true }).waitFor()
  await page
    .getByRole('status')
    .filter({ hasText: /^live$/ })
    .waitFor()
  expect(await page.getByText('The figures are those of the last answer').count()).toBe(0)
  expect(problems).toEqual([])
})

it('a job that does not exist yet appears when it begins', async () => {
  server.show(null)
  const { page } = await open('#/')
  await page.getByText('Job not found').waitFor()
  await page.getByText('there is no job named "fleet"', { exact: false }).waitFor()
  server.show(before)
  await page.getByText(accepted(before), { exact: true }).waitFor()
})

it('a view whose answers are on their way says so, and nothing moves when they arrive', async () => {
  const release = server.hold()
  const { page, problems } = await open('#/')
  await page.getByText('Loading the job…').waitFor()
  expect(await page.locator('[aria-busy=true]').count()).toBe(1)
  release()
  await page.getByText(accepted(before), { exact: true }).waitFor()
  await page.locator('[aria-busy]').first().waitFor({ state: 'detached' })
  expect(problems).toEqual([])
})

it('a job without a closed window and without dead letters is no error', async () => {
  server.show(new PageWorld({ partitions: 2, vms: 12, windows: 0 }))
  const { page, problems } = await open('#/')
  await page.getByRole('heading', { level: 1, name: 'No window has closed yet' }).waitFor()
  await page.getByText('A window closes when its points are complete.').waitFor()
  expect(await axeViolations(page)).toEqual([])
  await page.goto(`${server.url}#/dead-letters?reason=none`)
  await page.getByText('No dead letter').waitFor()
  expect(problems).toEqual([])
})

it('a halted partition is shown with its code and remedy on every view', async () => {
  server.show(new PageWorld({ partitions: 2, vms: 12, windows: 5, haltedPartition: 1 }))
  const { page } = await open('#/')
  for (const hash of ['#/', `#/windows/0/${Date.UTC(2026, 0, 1)}`, '#/dead-letters']) {
    await page.goto(server.url + hash)
    await page.getByText('Partition 1 is halted: DATA_LOSS').waitFor()
    await page.getByText('Restore the log.').waitFor()
  }
})
