/** I9: core code has no clock, randomness or I/O; time comes in as an argument. */
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CALENDAR_MS } from '../../src/core/calendar-windows.ts'
import type { EpochMs } from '../../src/core/point.ts'
import { windowsOf } from '../../src/core/window-policy.ts'
import { makeFleet, withinGrace } from '../support/fleet.ts'
import { Folding } from '../support/fold.ts'
import { Random } from '../support/random.ts'
import { garbage, point } from '../support/records.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const CORE = new URL('../../src/core/', import.meta.url)

/** What code of core may import besides core and the error class. The calendar library is checked by a test of its own below. */
const ALLOWED = ['day-starts.ts: node:module', 'day-starts.ts: temporal-polyfill']

/** From here on, every clock, die and way out throws. */
function forbidInputs(): void {
  const forbidden = (name: string) => () => {
    throw new Error(`core called ${name}`)
  }
  vi.spyOn(Date, 'now').mockImplementation(forbidden('Date.now'))
  vi.spyOn(Math, 'random').mockImplementation(forbidden('Math.random'))
  vi.spyOn(performance, 'now').mockImplementation(forbidden('performance.now'))
  vi.spyOn(process, 'hrtime').mockImplementation(forbidden('process.hrtime'))
  vi.spyOn(crypto, 'getRandomValues').mockImplementation(forbidden('crypto.getRandomValues'))
  vi.spyOn(crypto, 'randomUUID').mockImplementation(forbidden('crypto.randomUUID'))
  const RealDate = Date
  const DateOfGivenTime = function (...given: unknown[]) {
    return given.length === 0 ? forbidden('new Date')() : new RealDate(given[0] as number)
  }
  vi.stubGlobal('Date', Object.assign(DateOfGivenTime, { UTC: RealDate.UTC, now: RealDate.now }))
  for (const name of ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
    vi.stubGlobal(name, forbidden(name))
  }
}

/** Borders of two years, with all changes of the clock: those of days, weeks and months in each zone. */
function bordersOf(timeZones: readonly string[]): EpochMs[] {
  return timeZones.flatMap((timeZone) =>
    (['day', 'week', 'month'] as const).flatMap((unit) => {
      const windows = windowsOf({ sizeMs: CALENDAR_MS[unit], calendar: { unit, timeZone } })
      const starts: EpochMs[] = []
      for (let at = windows.startOf(Date.UTC(2026, 0, 1)); at < Date.UTC(2028, 0, 1); at = windows.endOf(at))
        starts.push(at)
      return starts
    }),
  )
}

describe('I9', () => {
  it('a whole fold, with closes and results, runs where every clock, die and way out throws', () => {
    const random = new Random(1)
    const sent = withinGrace(random, makeFleet(random, { vms: 4, windows: 4, hasManifests: true }))
    const run = (): string[] => {
      const folding = new Folding({ deadlineMs: 50 })
        .feed(...sent, garbage(), point('vm-0', 5000, 2e15))
        .clock(Number.MAX_SAFE_INTEGER)
        .end()
      const triggers = new Set(folding.closed.map((one) => one.trigger))
      expect(triggers).toEqual(new Set(['grace', 'complete', 'deadline']))
      return folding.results()
    }
    const expected = run()
    forbidInputs()
    let results: string[] = []
    let thrown: unknown = null
    try {
      results = run()
    } catch (error) {
      thrown = error
    }
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
    expect(thrown).toBeNull()
    expect(results).toEqual(expected)
  })

  it('borders of calendars are computed where every clock, die and way out throws', () => {
    // Loads the library. It is not loaded again, and keeps no borders.
    bordersOf(['Europe/Berlin'])
    forbidInputs()
    let borders: EpochMs[] = []
    let thrown: unknown = null
    try {
      borders = bordersOf(['America/New_York', 'Australia/Lord_Howe'])
    } catch (error) {
      thrown = error
    }
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
    expect(thrown).toBeNull()
    // The first moment of 2026 lies in the day before in one zone, the last one of 2027 in the day after in the other.
    expect(borders).toHaveLength(2 * (731 + 105 + 25))
  })

  it('imports nothing but itself, the error class, and the calendar library in one place', () => {
    const files = readdirSync(CORE).filter((name) => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(15)
    const foreign = files.flatMap((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(new URL(file, CORE), 'utf8'), true, true)
      return importedFiles
        .map((one) => one.fileName)
        .filter((name) => !/^\.\/[a-z0-9-]+\.ts$/.test(name) && !name.startsWith('../errors/'))
        .map((name) => `${file}: ${name}`)
    })
    expect(foreign).toEqual(ALLOWED)
  })
})
