/**
 * Draws the windows of time zones into docs/concepts.md: `npm run docs:windows`. The text of a block
 * `<!-- windows: UNIT ZONE DATE COUNT -->` is replaced by the windows from this date on, as the program computes them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { windowsOf } from '../dist/core/window-policy.js'

const HOUR = 3_600_000
/** A mark per so many hours, so that a window fits into a line. */
const HOURS_PER_MARK = { day: 1, week: 7, month: 24 }
const BLOCK = /(<!-- windows: (\w+) (\S+) (\S+) (\d+) -->\n```text\n)([^]*?)(```\n)/g

/** The windows blocks of a text: each with what it asks for and its drawing. */
export function windowBlocksOf(text) {
  return [...text.matchAll(BLOCK)].map(([, , unit, timeZone, date, count, body]) => ({
    ...{ unit, timeZone, date, body },
    count: Number(count),
  }))
}

/** One line per window: its local date, its start in UTC, a bar and its length. */
export function drawWindows({ unit, timeZone, date, count }) {
  const windows = windowsOf({ sizeMs: 24 * HOUR, calendar: { unit, timeZone } })
  const local = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', day: '2-digit', month: 'short' })
  let start = windows.startOf(Date.parse(`${date}T12:00Z`))
  const lines = Array.from({ length: count }, () => {
    const end = windows.endOf(start)
    const hours = (end - start) / HOUR
    const bar = `├${'─'.repeat(Math.round(hours / HOURS_PER_MARK[unit]) - 1)}┤`.padEnd(34)
    const line = `  ${local.format(start).padEnd(12)} ${new Date(start).toISOString().slice(0, 16)}Z  ${bar} ${hours} h`
    start = end
    return line
  })
  return `${unit} in ${timeZone}\n${lines.join('\n')}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = fileURLToPath(new URL('../docs/concepts.md', import.meta.url))
  const text = readFileSync(path, 'utf8')
  const blocks = windowBlocksOf(text).map(drawWindows)
  writeFileSync(
    path,
    text.replace(BLOCK, (_, head, _unit, _zone, _date, _count, _body, tail) => head + blocks.shift() + tail),
  )
}
