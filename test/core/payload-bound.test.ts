/** I8 before the first record: the worst VM window that a job's rules allow is built here, and measured. */
import { describe, expect, it } from 'vitest'
import type { ClosedVmRow } from '../../src/core/amend-vm-window.ts'
import { canonicalJson } from '../../src/core/json.ts'
import { checkPayload, worstCaseVmWindowBytes } from '../../src/core/payload-bound.ts'
import { MAX_PROMISED_RANGES } from '../../src/core/promise.ts'
import { MAX_ID_CHARS, MAX_PRODUCER_CHARS } from '../../src/core/shape.ts'
import { summary } from '../../src/core/summary.ts'
import { VmWindow } from '../../src/core/vm-window.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { addTo, promiseTo, RULES } from '../support/records.ts'

/** The defaults of the configuration. */
const DEFAULTS: Windowing = { ...RULES, maxSeqSpan: 100_000, maxMetricsPerVm: 16, maxProducersPerVm: 8 }
const MIB = 1024 ** 2
/** The character that JSON needs most bytes for. */
const WORST = '\u0001'
const HIGHEST_SEQ = Number.MAX_SAFE_INTEGER - 1

/** Every bound used up: names, seqs with every second one missing, scattered promises, wide sketches, silent producers. */
function worstRow(rules: Windowing): ClosedVmRow {
  const nameOf = (i: number, chars: number): string => String(i).padStart(chars, WORST)
  const vm = new VmWindow(WORST.repeat(MAX_ID_CHARS), summary)
  const firstSeq = HIGHEST_SEQ - rules.maxSeqSpan
  for (let p = 0; p < rules.maxProducersPerVm; p++) {
    const producer = vm.producer(nameOf(p, MAX_PRODUCER_CHARS), rules)
    for (let seq = firstSeq; seq <= HIGHEST_SEQ; seq += 2) addTo(producer, seq)
    for (let i = 0; i < MAX_PROMISED_RANGES; i++) promiseTo(producer, HIGHEST_SEQ - 2 * i, 1)
  }
  const timestamp = -8.64e15
  for (let m = 0; m < rules.maxMetricsPerVm; m++) {
    const metric = nameOf(m, MAX_ID_CHARS)
    for (let i = 0; i < 1024; i++) {
      for (const sign of [1, -1]) {
        const value = sign * 1.2345678901234567e-3 * 1.0203 ** i
        const producer = WORST.repeat(MAX_PRODUCER_CHARS)
        vm.fold({ vmId: vm.vmId, producer, metric, timestamp, seq: HIGHEST_SEQ - i, value }, summary)
      }
    }
  }
  const silent = Array.from({ length: rules.maxProducersPerVm * rules.rosterWindows }, (_, i) =>
    nameOf(i, MAX_PRODUCER_CHARS),
  )
  return { window: vm.encode(summary), reason: 'quarantined', silent }
}

function bytesOf(row: ClosedVmRow): number {
  return Buffer.byteLength(canonicalJson(row))
}

describe('the bound of a VM window', () => {
  it.each<[string, Partial<Windowing>]>([
    ['one metric of one producer', { maxMetricsPerVm: 1, maxProducersPerVm: 1 }],
    ['a long span', { maxMetricsPerVm: 1, maxProducersPerVm: 2, maxSeqSpan: 300_000 }],
    ['a short span, where lists are shorter than bits', { maxMetricsPerVm: 1, maxProducersPerVm: 8, maxSeqSpan: 2 }],
    ['the defaults', DEFAULTS],
  ])('holds, and is not pure fear: %s', (_, given) => {
    const rules = { ...DEFAULTS, ...given }
    const bound = worstCaseVmWindowBytes(rules, summary) as number
    const measured = bytesOf(worstRow(rules))
    expect(measured).toBeLessThanOrEqual(bound)
    // Counts with many digits in every bin cannot be built in a test; all else is used up.
    expect(measured).toBeGreaterThan(0.35 * bound)
  })

  it('is unknown where the aggregator states none', () => {
    const unbounded = { ...summary, maxBytesPerMetric: null }
    expect(worstCaseVmWindowBytes(DEFAULTS, unbounded)).toBeNull()
    expect(checkPayload(DEFAULTS, unbounded, MIB)).toBeNull()
  })
})

describe('the check at start', () => {
  it('lets the defaults pass', () => {
    expect(checkPayload(DEFAULTS, summary, MIB)).toBeNull()
  })

  it.each<[string, Partial<Windowing>, keyof Windowing]>([
    ['too many metrics', { maxMetricsPerVm: 40 }, 'maxMetricsPerVm'],
    ['too long a span', { maxSeqSpan: 10_000_000 }, 'maxSeqSpan'],
    ['too many producers', { maxMetricsPerVm: 1, maxProducersPerVm: 1000 }, 'maxProducersPerVm'],
  ])('names the number to change, and one that passes: %s', (_, given, setting) => {
    const rules = { ...DEFAULTS, ...given }
    const problem = checkPayload(rules, summary, MIB)
    expect(problem).toMatchObject({ setting, problem: expect.stringContaining(String(MIB - 16_383 - 1024)) as string })
    const [, most, value] = (
      /Give (\d+) or less, or raise maxValueBytes to (\d+)/.exec(problem?.remedy ?? '') ?? []
    ).map(Number)
    expect(checkPayload({ ...rules, [setting]: most }, summary, MIB)).toBeNull()
    expect(checkPayload({ ...rules, [setting]: (most as number) + 1 }, summary, MIB)).not.toBeNull()
    expect(checkPayload(rules, summary, value as number)).toBeNull()
    expect(checkPayload(rules, summary, (value as number) - 2048)).not.toBeNull()
  })

  it('says so where no single number helps', () => {
    const rules = { ...DEFAULTS, maxMetricsPerVm: 100, maxProducersPerVm: 400 }
    expect(checkPayload(rules, summary, MIB)?.remedy).toMatch(/^Lower it with the other limits .* maxValueBytes to \d+/)
  })

  it('refuses values that are smaller than a page', () => {
    expect(checkPayload({ ...DEFAULTS, maxMetricsPerVm: 1 }, summary, 64 * 1024)).toMatchObject({
      setting: 'maxValueBytes',
      remedy: 'Give 196608 bytes or more, and a state store that takes them.',
    })
  })
})
