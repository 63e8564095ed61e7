#!/usr/bin/env bash
# @opentelemetry/exporter-prometheus 0.223.0, read by promtool 3.16.0: attributes and instruments whose names become equal.
#
# Guess: the exporter keeps its page readable. For attributes such as `vm.id` and `vm_id` the OpenTelemetry specification
#        says that their values are joined with a semicolon, and two instruments that get one name are merged or renamed.
# True:  the label is written twice, or the metric is declared twice, and Prometheus' parser refuses the whole page, with all
#        other metrics. A histogram with an attribute `le` does the same, and so does a key that begins with a digit. One
#        measurement with such attributes, by any library in the process, takes all metrics of the process away.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/promtool.sh"

build_promtool
npm_install @opentelemetry/api@1.9.1 @opentelemetry/sdk-metrics@2.12.1 @opentelemetry/exporter-prometheus@0.223.0
cat >clash.mjs <<'EOF'
import { spawnSync } from 'node:child_process'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

/** What promtool says of the page on which `measure` is shown. Advice on style is not an error of the parser. */
async function page(what, measure) {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  measure(new MeterProvider({ readers: [exporter] }).getMeter('findings'))
  const { resourceMetrics } = await exporter.collect()
  const input = new PrometheusSerializer('', false).serialize(resourceMetrics)
  const { stderr } = spawnSync(process.env.PROMTOOL, ['check', 'metrics'], { input, encoding: 'utf8' })
  const error = /text format parsing error in line \d+: (.*)/.exec(stderr)
  console.log(`${what}: ${error ? `refused, ${error[1]}` : 'read'}`)
}

await page('attribute vm_id', (meter) => meter.createCounter('points').add(1, { vm_id: 'a' }))
await page('attributes vm.id and vm_id', (meter) => meter.createCounter('points').add(1, { 'vm.id': 'a', vm_id: 'a' }))
await page('histogram with attribute le', (meter) => meter.createHistogram('lag').record(3, { le: 'EUR' }))
await page('attribute 5m', (meter) => meter.createCounter('points').add(1, { '5m': 'a' }))
await page('counters points and points_total', (meter) => {
  meter.createCounter('points').add(1)
  meter.createCounter('points_total').add(1)
})
EOF
expect node clash.mjs <<'EOF'
attribute vm_id: read
attributes vm.id and vm_id: refused, duplicate label names for metric "points_total"
histogram with attribute le: refused, expected float as value for 'le' label, got "EUR"
attribute 5m: refused, invalid label name for metric "points_total"
counters points and points_total: refused, second HELP line for metric name "points_total"
EOF
holds 'one attribute name can make the whole Prometheus page of an OpenTelemetry JS process unreadable'
