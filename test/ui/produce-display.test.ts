/** The progress display of `windrow produce`: redrawn on a terminal, plain lines elsewhere. */
import { expect, test } from 'vitest'
import { createProduceDisplay } from '../../src/ui/produce-display.ts'
import { createStyle } from '../../src/ui/style.ts'

const PROGRESS = {
  ...{ points: 150_000, noReadings: 7, manifests: 1_000, undecodable: 2, bytes: 9_000_000 },
  ...{ bytesRead: 5 * 1024 ** 2, bytesToRead: 10 * 1024 ** 2 },
}

function displayOn(screen: { isTTY: boolean; columns?: number }) {
  const written: string[] = []
  const clock = { ms: 0 }
  const display = createProduceDisplay(
    { ...screen, write: (text) => written.push(text) },
    createStyle(false),
    () => clock.ms,
  )
  return { written, clock, display }
}

test('a terminal shows two lines that are redrawn, with a progress bar', () => {
  const { written, clock, display } = displayOn({ isTTY: true, columns: 100 })
  clock.ms = 1000
  display.progress({ ...PROGRESS, points: 50_000 })
  clock.ms = 3000
  display.progress(PROGRESS)
  expect(written).toHaveLength(2)
  expect(written[1]).toBe(
    '\r\x1b[2A\x1b[0J' +
      'produced  150,000 points  1,000 manifests  50k points/s\n' +
      'read      [███████████████░░░░░░░░░░░░░░░] 5 MiB of 10 MiB  undecodable 2\n',
  )
})

test('unreadable lines are printed above the redrawn lines', () => {
  const { written, clock, display } = displayOn({ isTTY: true, columns: 100 })
  display.progress(PROGRESS)
  display.undecodable('a.csv:3', 'invalid: no vmId')
  clock.ms = 1000
  display.progress(PROGRESS)
  expect(written[1]).toBe('\r\x1b[2A\x1b[0Ja.csv:3: invalid: no vmId\n')
  expect(written[2]).toMatch(/^produced /)
})

test('lines are cut to the width of the terminal, and drawn at most ten times per second', () => {
  const { written, clock, display } = displayOn({ isTTY: true, columns: 20 })
  for (clock.ms = 0; clock.ms < 1000; clock.ms += 10) display.progress(PROGRESS)
  expect(written).toHaveLength(10)
  for (const line of written
    .join('')
    .replaceAll(/\r\x1b\[2A\x1b\[0J/g, '')
    .split('\n'))
    expect(line.length).toBeLessThanOrEqual(20)
})

test('without a terminal a plain line is written every five seconds and at the end, also for input of unknown size', () => {
  const { written, clock, display } = displayOn({ isTTY: false })
  for (; clock.ms < 6_000; clock.ms += 500) display.progress({ ...PROGRESS, bytesToRead: null })
  clock.ms = 10_000
  display.end()
  expect(written).toEqual([
    'produced 150,000 points (30k/s), 1,000 manifests, undecodable 2, read 5 MiB\n',
    'produced 150,000 points (15k/s), 1,000 manifests, undecodable 2, read 5 MiB\n',
  ])
})

test('a display that was never updated writes nothing', () => {
  const { written, display } = displayOn({ isTTY: true })
  display.end()
  expect(written).toEqual([])
})
