/** The page without a mouse: order of focus, the heat map, and the orders of an operator. */
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { launchBrowser, openPage, waitUntilLoaded, type WatchedPage } from '../../support/browser.ts'
import { PageServer } from '../../support/page-server.ts'
import { PageWorld } from '../../support/page-world.ts'

const HOUR_MS = 3_600_000
const FIRST_MS = Date.UTC(2026, 0, 1)
const WINDOWS = 6
const world = new PageWorld({ partitions: 3, vms: 60, windows: WINDOWS })
const FOCUSED = 'document.activeElement.textContent.trim()'

let browser: Browser
let server: PageServer
let opened: WatchedPage
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())
beforeEach(async () => {
  server = await PageServer.start(world)
  opened = await openPage(browser, `${server.url}#/`)
  await waitUntilLoaded(opened.page)
})
afterEach(async () => {
  expect(opened.problems).toEqual([])
  await opened.close()
  await server.stop()
})

it('the first stop skips the navigation', async () => {
  const { page } = opened
  await page.keyboard.press('Tab')
  expect(await page.evaluate(FOCUSED)).toBe('Skip to the content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate('document.activeElement.id')).toBe('content')
  // The next stop is the first one of the content.
  await page.keyboard.press('Tab')
  expect(await page.evaluate(FOCUSED)).toBe('Partitions')
  expect(new URL(page.url()).hash).toBe('#/')
})

it('arrow keys move over the heat map, which describes each cell, and Enter opens a window', async () => {
  const { page } = opened
  await page.getByRole('group', { name: /^Heat map of 3 partitions and 7 windows/ }).focus()
  await page.keyboard.press('ArrowDown')
  const line = page.getByRole('status').filter({ hasText: 'Partition' })
  expect(await line.innerText()).toMatch(/^Partition 0, 2026-01-01 06:00–07:00: open · .* of 20 producers complete$/)
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowDown')
  const heat = world.heat('partition', 96)
  const at = 1 * heat.windows.length + WINDOWS - 1
  const points = `${heat.received[at]?.toLocaleString('en-US')} of ${heat.expected[at]?.toLocaleString('en-US')} points`
  expect(await line.innerText()).toContain('Partition 1, 2026-01-01 05:00–06:00')
  expect(await line.innerText()).toContain(points)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Window 2026-01-01 05:00–06:00 UTC' }).waitFor()
  expect(new URL(page.url()).hash).toBe(`#/windows/1/${FIRST_MS + 5 * HOUR_MS}`)
  // A screen reader continues at the top of the new view.
  expect(await page.evaluate('document.activeElement.id')).toBe('content')
  await page.goBack()
  await page.getByRole('heading', { level: 2, name: 'Completeness by window' }).waitFor()
})

it('an open window is closed with a token and a reason, and a wrong token is refused', async () => {
  const { page } = opened
  const start = FIRST_MS + WINDOWS * HOUR_MS
  await page.goto(`${server.url}#/windows/0/${start}`)
  await page.getByRole('button', { name: 'Close now' }).press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Close this window now' })
  await dialog.getByLabel('Token').fill('wrong')
  await dialog.getByLabel('Reason, which is recorded').fill('host retired')
  await page.keyboard.press('Enter')
  await dialog.getByText('the token is unknown').waitFor()
  await dialog.getByLabel('Token').fill('right')
  await dialog.getByLabel('Your name (optional)').fill('Ada')
  await page.keyboard.press('Enter')
  await dialog.getByText('Closed.').waitFor()
  const path = `/v1/windows/0/${start}/close`
  const body = { why: 'host retired' }
  expect(server.orders).toEqual([
    { path, authorization: 'Bearer wrong', body },
    { path, authorization: 'Bearer right', body: { ...body, who: 'Ada' } },
  ])
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  // The token is in memory only.
  expect(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length')).toBe(0)
})

it('a repaired record is sent instead of a dead letter', async () => {
  const { page } = opened
  await page.goto(`${server.url}#/dead-letters?reason=invalid`)
  await page.getByRole('button', { name: 'Send again: 1:4001' }).click()
  const dialog = page.getByRole('dialog', { name: 'Send this record again' })
  await dialog.getByLabel('Repaired record, as a line of the input').fill('{"vmId":"db-011","seq":1}')
  await dialog.getByLabel('Token').fill('right')
  await dialog.getByLabel('Reason, which is recorded').fill('typing error')
  await dialog.getByRole('button', { name: 'Send again' }).click()
  await dialog.getByText('Sent to vm-telemetry/1.').waitFor()
  const body = { line: '{"vmId":"db-011","seq":1}', why: 'typing error' }
  expect(server.orders).toEqual([{ path: '/v1/dead-letters/1%3A4001/retry', authorization: 'Bearer right', body }])
})
