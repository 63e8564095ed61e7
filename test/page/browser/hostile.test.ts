/** Ids and texts that look like markup, a script or part of an address are shown as text, in every view. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { launchBrowser, openPage, waitUntilLoaded } from '../../support/browser.ts'
import { PageServer } from '../../support/page-server.ts'
import { PageWorld } from '../../support/page-world.ts'

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  "javascript:alert(1)//'",
  'a/b?metric=x#/dead-letters&%41%',
  '\u202Egnp.exe',
  '__proto__',
  '..',
]

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

it.each(HOSTILE)('the VM id %j is text', async (vmId) => {
  const world = new PageWorld({ partitions: 1, vms: 2, windows: 3, firstVm: vmId })
  const server = await PageServer.start(world)
  const { page, problems, close } = await openPage(browser, `${server.url}#/vms`)
  await waitUntilLoaded(page)
  const images = 'document.images.length + document.querySelectorAll("main script").length'
  const usual = await page.evaluate(images)
  await page.getByText('Show as a table').click()
  const row = page.getByRole('rowheader', { name: vmId, exact: true })
  await row.waitFor()
  expect(await row.textContent()).toBe(vmId)
  // The link of its row leads to the VM, whatever its id contains.
  await page.getByRole('row').filter({ has: row }).getByRole('link').first().click()
  await page.getByRole('heading', { level: 1, name: vmId, exact: true }).waitFor()
  await page.getByText('Results', { exact: true }).waitFor()
  expect(await page.evaluate('document.querySelector("h1").textContent')).toBe(vmId)
  expect(await page.evaluate(images)).toBe(usual)
  await page.reload()
  await page.getByText('Results', { exact: true }).waitFor()
  expect(await page.evaluate('document.querySelector("h1").textContent')).toBe(vmId)
  expect(problems).toEqual([])
  await close()
  await server.stop()
})
