/**
 * A headless Chromium for tests of the page. Each opened page is watched: script errors, violations of the content security
 * policy and requests to any other address are collected, and `problems` must be empty at the end of a test.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Locator, type Page } from 'playwright-core'

export interface Screen {
  readonly scheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
}

export const SCREENS: Readonly<Record<'light' | 'dark' | 'narrow', Screen>> = {
  light: { scheme: 'light', width: 1280, height: 900 },
  dark: { scheme: 'dark', width: 1280, height: 900 },
  narrow: { scheme: 'light', width: 390, height: 844 },
}

export interface WatchedPage {
  readonly page: Page
  /** What must not happen, in the order in which it happened. */
  readonly problems: string[]
  readonly close: () => Promise<void>
}

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export async function launchBrowser(): Promise<Browser> {
  const given = process.env['WINDROW_CHROMIUM']
  const executablePath = given ?? PLACES.find((path) => existsSync(path))
  if (executablePath === undefined) {
    throw new Error(
      'Chromium is missing. Run `sh scripts/ci-packages.sh`, or set WINDROW_CHROMIUM to the path of a Chromium or Chrome.',
    )
  }
  // Chromium refuses to run as root with its sandbox. It opens only pages of this repository.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}

/** `token`: the password that the browser's dialog would be given. */
export async function openPage(
  browser: Browser,
  url: string,
  screen: Screen = SCREENS.light,
  token?: string,
): Promise<WatchedPage> {
  const { scheme, width, height } = screen
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: 'reduce',
    ...(token === undefined ? {} : { httpCredentials: { username: 'reader', password: token } }),
  })
  const page = await context.newPage()
  // Generous, since a machine that builds and tests at the same time is slow.
  page.setDefaultTimeout(60_000)
  const problems: string[] = []
  const { origin } = new URL(url)
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`))
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) problems.push(`request to ${request.url()}`)
  })
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) problems.push(`policy: ${message.text()}`)
  })
  await page.goto(url)
  return { page, problems, close: () => context.close() }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Violations that axe finds, each with the elements; the debugger runs it, so the policy of the page stays as it is. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const tags = JSON.stringify(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
  const result = await page.evaluate<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }>(
    `axe.run(document, { runOnly: { type: 'tag', values: ${tags} } })`,
  )
  return result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** Waits until every part of the view has its content. */
export async function waitUntilLoaded(page: Page): Promise<void> {
  await page.locator('main .card, main .notice').first().waitFor()
  await page.locator('[aria-busy]').first().waitFor({ state: 'detached' })
}

/** A figure of the overview, such as `accepted`. */
export const figure = (page: Page, label: string): Locator =>
  page.locator('section[aria-label="Records"] div', { has: page.getByText(label, { exact: true }) }).locator('dd')

/** The texts of a table's cells, row by row. */
export async function rowsOf(page: Page, table: string): Promise<string[][]> {
  const rows = await page.getByRole('table', { name: table }).locator('tbody tr').all()
  return Promise.all(rows.map(async (row) => (await row.locator('th, td').allInnerTexts()).map((text) => text.trim())))
}
