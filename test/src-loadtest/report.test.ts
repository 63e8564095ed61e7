/** The report has every plot, contains no NaN, and escapes HTML in its inputs. */
import { expect, test } from 'vitest'
import { figuresOf } from '../../loadtest/runner/figures.ts'
import { reportHtml } from '../../loadtest/runner/report.ts'
import type { Outcome } from '../../loadtest/runner/scenario.ts'

const attempt = (second: number, status: number, ms: number) => ({
  ...{ at: second * 1000, user: 1, firstTick: 0, ticks: 2, status, ms },
})

const outcome: Outcome = {
  ...{ scenario: 'ramp', at: '2026-01-01T00:00:00.000Z', machine: '2 × <fast>', loadBefore: 0.5, exitOfGateway: 0 },
  // No requests arrived in the second that is missing here.
  figures: figuresOf([attempt(0, 200, 5), attempt(1, 503, 2_000), attempt(4, 200, 7)], 50),
  cpu: {
    total: { k6: 1.5, gateway: 1, Kafka: 0.5 },
    timeline: [{ k6: 0.5, gateway: 0.5, Kafka: 0.25 }, { k6: 1 }],
    memoryMib: [{ gateway: 80 }, { gateway: 0 }],
  },
  thresholds: [{ metric: 'checks', rule: 'rate==1', ok: true }],
  endedBy: [{ metric: 'dropped_iterations', rule: 'count<500', ok: false }],
  verdict: { vmWindows: 1, points: 200, unacknowledged: 0, duplicates: 0, problems: [] },
  hasPassed: true,
}

const plots = (html: string): number => html.match(/<svg/g)?.length ?? 0

test('the report plots points, latency, requests, cores and memory', () => {
  const html = reportHtml(outcome)
  expect(plots(html)).toBe(5)
  expect(html).not.toMatch(/NaN|undefined|Infinity/)
  expect(html).toContain('dropped_iterations: count&lt;500 no longer holds')
  expect(html).toContain('2 × &lt;fast&gt;; load average 0.5 before the test')
  expect(html).not.toContain('<fast>')
})

test('the report omits cores and memory if usage is unknown, and is valid without attempts', () => {
  expect(plots(reportHtml({ ...outcome, cpu: null }))).toBe(3)
  const nothing = { ...outcome, figures: figuresOf([], 50), endedBy: [] }
  expect(reportHtml(nothing)).not.toMatch(/NaN|undefined|Infinity/)
})
