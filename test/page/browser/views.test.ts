/**
 * Every view of the page in light, in dark and at a phone's width: axe finds no violation, nothing is wider than the window,
 * and the page makes no external request and violates no policy. The answers are those of a made-up job.
 */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeViolations, launchBrowser, openPage, SCREENS, waitUntilLoaded } from '../../support/browser.ts'
import { PageServer } from '../../support/page-server.ts'
import { PageWorld } from '../../support/page-world.ts'

const HOUR_MS = 3_600_000
const FIRST_MS = Date.UTC(2026, 0, 1)
const WINDOWS = 30
const world = new PageWorld({ partitions: 8, vms: 240, windows: WINDOWS, haltedPartition: 3 })

let browser: Browser
let server: PageServer
beforeAll(async () => {
  browser = await launchBrowser()
  server = await PageServer.start(world)
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const VIEWS: readonly (readonly [name: string, hash: string])[] = [
  ['the overview', '#/'],
  ['the overview of VM groups', '#/groups'],
  ['the overview of VMs', '#/vms'],
  ['an open window', `#/windows/0/${FIRST_MS + WINDOWS * HOUR_MS}`],
  ['a closed window', `#/windows/1/${FIRST_MS + 4 * HOUR_MS}`],
  ['a window that does not exist', '#/windows/77/0'],
  ['a VM', `#/vms/${encodeURIComponent(world.incompleteVm)}`],
  ['a VM that does not exist', '#/vms/nothing'],
  ['the dead letters', '#/dead-letters'],
  ['the dead letters of a reason without any', '#/dead-letters?reason=none'],
  ['an address that no view has', '#/somewhere'],
]

describe.each(Object.entries(SCREENS))('%s', (_, screen) => {
  it.each(VIEWS)('%s has no violation and fits', async (_name, hash) => {
    const { page, problems, close } = await openPage(browser, server.url + hash, screen)
    await waitUntilLoaded(page)
    expect(await axeViolations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(problems).toEqual([])
    await close()
  })
})

it('the table of the heat map has the cells as text', async () => {
  const { page, problems, close } = await openPage(browser, `${server.url}#/`)
  await page.getByText('Show as a table').click()
  const table = page.getByRole('table', { name: 'Completeness by window, newest window first' })
  const row = table.getByRole('row').nth(1)
  expect(await row.getByRole('rowheader').innerText()).toBe('0')
  const open = world.heat('partition', 96)
  const share = (100 * (1 - (open.missing[WINDOWS] ?? 0) / (open.expected[WINDOWS] ?? 1))).toFixed(3)
  expect(await row.getByRole('cell').first().innerText()).toMatch(/^open, \d\d\.\d %$/)
  expect(Number.parseFloat((await row.getByRole('cell').first().innerText()).slice(6))).toBeLessThanOrEqual(
    Number(share),
  )
  expect(await row.getByRole('cell').count()).toBe(WINDOWS + 1)
  expect(await axeViolations(page)).toEqual([])
  expect(problems).toEqual([])
  await close()
})
