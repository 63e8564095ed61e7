#!/usr/bin/env bash
# @opentelemetry/sdk-metrics 2.12.1: the start time of points with delta temporality.
#
# Guess: a delta point covers the time since the previous collection. The metrics data model says that the intervals of a
#        series follow each other without a gap, so a value divided by its interval is a rate.
# True:  that holds only for series that also had a measurement in the previous interval. After an interval without one, and
#        for a new series, the point begins at its first measurement. A counter that is rarely used gets intervals of a few
#        milliseconds, so a backend that divides by them shows a rate that is orders of magnitude too high.
source "$(dirname "$0")/lib/check.sh"

npm_install @opentelemetry/api@1.9.1 @opentelemetry/sdk-metrics@2.12.1
cat >delta.mjs <<'EOF'
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA })
const requests = new MeterProvider({ readers: [reader] }).getMeter('findings').createCounter('requests')
const milliseconds = ([seconds, nanoseconds]) => seconds * 1000 + nanoseconds / 1e6
const later = () => new Promise((resolve) => setTimeout(resolve, 100))

let previousEnd
for (const interval of ['used at its start', 'used at its end', 'not used', 'used at its end']) {
  if (interval === 'used at its start') requests.add(1)
  await later()
  const measured = Date.now()
  if (interval === 'used at its end') requests.add(1)
  const { resourceMetrics } = await reader.collect()
  const [point] = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics).flatMap(({ dataPoints }) => dataPoints)
  if (point === undefined) {
    console.log(`${interval}: no point`)
    continue
  }
  const start = milliseconds(point.startTime)
  const from =
    start === previousEnd ? 'the previous collection' : start >= measured ? 'the measurement itself' : 'the first measurement'
  console.log(`${interval}: a point that begins at ${from}`)
  previousEnd = milliseconds(point.endTime)
}
EOF
expect node delta.mjs <<'EOF'
used at its start: a point that begins at the first measurement
used at its end: a point that begins at the previous collection
not used: no point
used at its end: a point that begins at the measurement itself
EOF
holds 'after an interval without measurements, a delta point covers only the time since its first measurement'
