/** Generates docs/reference/metrics.md from the tables of metrics (src/telemetry/metrics.ts, gateway-metrics.ts). */
import { writeFileSync } from 'node:fs'
import { metricsReference } from '../dist/telemetry/metrics-reference.js'

writeFileSync(new URL('../docs/reference/metrics.md', import.meta.url), metricsReference())
