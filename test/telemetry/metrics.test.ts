/** The table of metrics, its reference, and what a running process really exports: all three say the same. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { prometheusLabel } from '../../src/telemetry/attributes.ts'
import { metricsReference } from '../../src/telemetry/metrics-reference.ts'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { METRICS, PROCESS_METRICS, PROCESSOR_METRICS } from '../../src/telemetry/metrics.ts'
import { labelsOf } from './attributes-said.ts'
import { toldOf } from './exposition.ts'
import { runObserved } from './run-observed.ts'

const ALL: readonly MetricDefinition[] = Object.values(METRICS)

test('docs/reference/metrics.md is what the table says; `npm run docs:metrics` writes it', () => {
  const written = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
  expect(written).toBe(metricsReference())
})

describe('by the conventions of OpenTelemetry', () => {
  it.each(ALL.map((metric) => [metric.name, metric] as const))('%s has a name, a unit and help', (_, metric) => {
    expect(metric.name).toMatch(/^(windrow|http|nodejs|process)(\.[a-z][a-z0-9_]*)+$/)
    // Units are in a field of their own and not in the name; what is counted stands in braces.
    expect(metric.unit).toMatch(/^(s|By|1|\{[a-z]+\})$/)
    expect(metric.name).not.toMatch(/seconds|bytes|total|count$/)
    expect(metric.help).toMatch(/^[A-Z0-9].*[^.]$/)
    expect(metric.kind === 'histogram').toBe(metric.buckets !== undefined)
  })

  it('no name is another one with more words in Prometheus', () => {
    const names = ALL.map(prometheusName)
    expect(new Set(names).size).toBe(names.length)
  })
})

test('a port of metrics that is taken ends a run before it has begun, with a remedy', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    await expect(runObserved({ metricsPort: port })).rejects.toMatchObject({
      code: 'METRICS_PORT_TAKEN',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
      remedy: expect.stringContaining('--metrics-port') as string,
    })
  } finally {
    server.close()
  }
})

describe('what a run exports', () => {
  let text = ''
  beforeAll(async () => {
    text = (await runObserved()).scraped
  })

  it('is every metric of the table that a run on files has, with its help, unit and kind, and no other', () => {
    const told = toldOf(text)
    const ofRuns: readonly MetricDefinition[] = Object.values({ ...PROCESSOR_METRICS, ...PROCESS_METRICS })
    const expected = ofRuns.filter(({ topicsOnly }) => topicsOnly !== true)
    const table = new Map(expected.map((metric) => [prometheusName(metric), metric]))
    expect([...told.keys()].sort()).toEqual([...table.keys()].sort())
    for (const [name, { help, unit, kind }] of table) {
      // The text format escapes nothing that stands in a help here.
      expect(told.get(name), name).toEqual({ help, unit, kind })
    }
  })

  it('has only the attributes of the table, with the values that they are said to have, and all of those', () => {
    const seen = labelsOf(text)
    const ofRuns: readonly MetricDefinition[] = Object.values(PROCESSOR_METRICS)
    expect(seen).toEqual(new Set(ofRuns.flatMap(({ attributes }) => attributes.map(prometheusLabel))))
  })

  it('names no VM, and so has a number of series that the number of VMs does not change', () => {
    expect(text).not.toContain('vm-0')
    expect(text).not.toMatch(/vm-\d/)
    expect(text).toMatch(/^windrow_vm_windows_closed_total\{windrow_reason="complete",.*\} [1-9]/m)
  })
})
