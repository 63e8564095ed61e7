/** The progress display of a run: redrawn on a terminal, occasional plain lines elsewhere. */
import { expect, test } from 'vitest'
import type { RunEvent, RunProgress } from '../../src/app/types.ts'
import { createRunDisplay } from '../../src/ui/run-display.ts'
import { createStyle } from '../../src/ui/style.ts'

const SNAPSHOT: RunProgress = {
  reading: null,
  consumed: 12_000,
  available: 302_976,
  pointsPerSecond: 71_234,
  windowsClosed: 3,
  vmWindowsDone: 512,
  vmWindowsTotal: 1024,
  published: 3156,
  deadLetters: 0,
}
const CLOSED: RunEvent = {
  kind: 'window-closed',
  partition: 2,
  window: { start: Date.UTC(2026, 2, 1, 14), end: Date.UTC(2026, 2, 1, 15) },
  reason: 'complete',
}

/** A display with recorded output and a clock that the test sets. */
function displayOn(screen: { isTTY: boolean; columns?: number }, signal?: AbortSignal) {
  const written: string[] = []
  const clock = { ms: 0 }
  const display = createRunDisplay(
    { ...screen, write: (text) => written.push(text) },
    createStyle(false),
    () => clock.ms,
    signal,
  )
  return { written, clock, display }
}

/** The visible lines of a terminal after all output: supports line feeds, cursor up, clear and return. */
function shown(written: readonly string[]): string[] {
  const lines: string[] = ['']
  let row = 0
  for (const part of written.join('').split(/(\n|\x1b\[\d+A|\x1b\[0J)/)) {
    const up = /^\x1b\[(\d+)A$/.exec(part)?.[1]
    if (part === '\n') lines[++row] ??= ''
    else if (up !== undefined) row -= Number(up)
    else if (part === '\x1b[0J') lines.splice(row, Infinity, '')
    else lines[row] = part.startsWith('\r') ? part.slice(1) + lines[row]?.slice(part.length - 1) : lines[row] + part
  }
  return lines.slice(0, -1)
}

test('a terminal shows three lines, however often they are drawn', () => {
  const { written, clock, display } = displayOn({ isTTY: true, columns: 100 })
  for (let consumed = 0; consumed <= 12_000; consumed += 1000) {
    display.progress({ ...SNAPSHOT, consumed })
    clock.ms += 100
  }
  display.event(CLOSED)
  display.end()
  expect(shown(written)).toEqual([
    'consumed    12,000 of 302,976, 4.1 s left  71k points/s ▄▄',
    'windows     3 closed  last 2026-03-01 14:00 of partition 2: complete',
    'VM windows  [██████████░░░░░░░░░░] 512/1,024  published 3,156  dead letters 0',
  ])
})

test('no line is wider than the terminal, so that redrawing leaves no remains', () => {
  const { written, display } = displayOn({ isTTY: true, columns: 40 })
  display.progress(SNAPSHOT)
  expect(shown(written)).toHaveLength(3)
  for (const line of shown(written)) expect(line.length).toBeLessThanOrEqual(40)
})

test('a terminal is redrawn at most ten times per second', () => {
  const { written, clock, display } = displayOn({ isTTY: true })
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 10) display.progress(SNAPSHOT)
  expect(written).toHaveLength(10)
})

test('a warning is printed above the redrawn lines', () => {
  const { written, clock, display } = displayOn({ isTTY: true, columns: 100 })
  display.progress(SNAPSHOT)
  display.event({ kind: 'warning', message: 'the broker is slow', remedy: 'Wait.' })
  clock.ms = 200
  display.progress(SNAPSHOT)
  expect(shown(written).slice(0, 2)).toEqual(['warning: the broker is slow', '  remedy: Wait.'])
  expect(shown(written)).toHaveLength(5)
})

test('the message of a requested stop is printed between the previous and the redrawn lines', () => {
  const stop = new AbortController()
  const { written, clock, display } = displayOn({ isTTY: true, columns: 100 }, stop.signal)
  display.progress(SNAPSHOT)
  written.push('^Cstopping\n')
  stop.abort()
  for (clock.ms = 200; clock.ms < 1000; clock.ms += 200) display.progress(SNAPSHOT)
  display.end()
  expect(shown(written)).toHaveLength(7)
  expect(shown(written)[3]).toBe('^Cstopping')
})

test('a terminal that reports a width of 0 is treated as 80 columns wide', () => {
  const { written, display } = displayOn({ isTTY: true, columns: 0 })
  display.progress(SNAPSHOT)
  expect(shown(written)[0]).toContain('consumed    12,000 of 302,976')
})

test('without a terminal a plain line is written every five seconds and at the end', () => {
  const { written, clock, display } = displayOn({ isTTY: false })
  for (clock.ms = 0; clock.ms < 11_000; clock.ms += 500) display.progress({ ...SNAPSHOT, available: null })
  display.end()
  const line = 'consumed 12,000 (71k/s), windows closed 3, published 3,156, dead letters 0\n'
  expect(written).toEqual([line, line, line])
})

test('without a terminal no escape sequence is written', () => {
  const { written, display } = displayOn({ isTTY: false })
  display.progress(SNAPSHOT)
  display.event({ kind: 'resumed', partition: 2, commit: 7, resumeOffset: 1234 })
  display.event(CLOSED)
  display.end()
  expect(written.join('')).not.toContain('\x1b')
  expect(written[0]).toBe('partition 2: resumes at offset 1,234, after commit 7\n')
})

test('a run without events writes nothing', () => {
  const { written, display } = displayOn({ isTTY: true })
  display.end()
  expect(written).toEqual([])
})
