/** I9: core code has no clock, randomness or I/O; time comes in as an argument. */
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { makeFleet, withinGrace } from '../support/fleet.ts'
import { Folding } from '../support/fold.ts'
import { Random } from '../support/random.ts'
import { garbage, point } from '../support/records.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const CORE = new URL('../../src/core/', import.meta.url)

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
    vi.stubGlobal('Date', (...given: unknown[]) =>
      given.length === 0 ? forbidden('new Date')() : new RealDate(given[0] as number),
    )
    for (const name of ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
      vi.stubGlobal(name, forbidden(name))
    }
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

  it('imports nothing but itself and the error class', () => {
    const files = readdirSync(CORE).filter((name) => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(15)
    const foreign = files.flatMap((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(new URL(file, CORE), 'utf8'), true, true)
      return importedFiles
        .map((one) => one.fileName)
        .filter((name) => !/^\.\/[a-z0-9-]+\.ts$/.test(name) && !name.startsWith('../errors/'))
        .map((name) => `${file}: ${name}`)
    })
    expect(foreign).toEqual([])
  })
})
