/** The tables of metrics, their reference, and the metrics that a running process exports agree. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { prometheusLabel } from '../../src/telemetry/attributes.ts'
import { metricsReference } from '../../src/telemetry/metrics-reference.ts'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { METRICS, PROCESS_METRICS, PROCESSOR_METRICS } from '../../src/telemetry/metrics.ts'
import { labelsOf } from './exported-attributes.ts'
import { metadataOf } from './exposition.ts'
import { runObserved } from './run-observed.ts'

const ALL: readonly MetricDefinition[] = Object.values(METRICS)

test('docs/reference/metrics.md matches the tables; `npm run docs:metrics` generates it', () => {
  const written = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
  expect(written).toBe(metricsReference())
})

describe('OpenTelemetry conventions', () => {
  it.each(ALL.map((metric) => [metric.name, metric] as const))(
    '%s has a valid name, unit and description',
    (_, metric) => {
      expect(metric.name).toMatch(/^(windrow|http|nodejs|process)(\.[a-z][a-z0-9_]*)+$/)
      // The unit is a field of its own and not part of the name; counted things are in braces.
      expect(metric.unit).toMatch(/^(s|By|1|\{[a-z]+\})$/)
      expect(metric.name).not.toMatch(/seconds|bytes|total|count$/)
      expect(metric.help).toMatch(/^[A-Z0-9].*[^.]$/)
      expect(metric.kind === 'histogram').toBe(metric.buckets !== undefined)
    },
  )

  it('every metric has a unique name in Prometheus', () => {
    const names = ALL.map(prometheusName)
    expect(new Set(names).size).toBe(names.length)
  })
})

test('a metrics port in use ends a run before it starts, with a remedy', async () => {
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

describe('the metrics of a run', () => {
  let text = ''
  beforeAll(async () => {
    text = (await runObserved()).scraped
  })

  it('are exactly the metrics of the table for files, with description, unit and kind', () => {
    const exported = metadataOf(text)
    const ofRuns: readonly MetricDefinition[] = Object.values({ ...PROCESSOR_METRICS, ...PROCESS_METRICS })
    const expected = ofRuns.filter(({ topicsOnly }) => topicsOnly !== true)
    const table = new Map(expected.map((metric) => [prometheusName(metric), metric]))
    expect([...exported.keys()].sort()).toEqual([...table.keys()].sort())
    for (const [name, { help, unit, kind }] of table) {
      // No description contains characters that the text format escapes.
      expect(exported.get(name), name).toEqual({ help, unit, kind })
    }
  })

  it('have exactly the attributes of the table, with no other values than listed', () => {
    const seen = labelsOf(text)
    const ofRuns: readonly MetricDefinition[] = Object.values(PROCESSOR_METRICS)
    expect(seen).toEqual(new Set(ofRuns.flatMap(({ attributes }) => attributes.map(prometheusLabel))))
  })

  it('name no VM, so the number of series does not depend on the number of VMs', () => {
    expect(text).not.toContain('vm-0')
    expect(text).not.toMatch(/vm-\d/)
    expect(text).toMatch(/^windrow_vm_windows_closed_total\{windrow_reason="complete",.*\} [1-9]/m)
  })
})
