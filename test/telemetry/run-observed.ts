/**
 * Runs a job on the embedded sidecar with telemetry, in this process. Spans are kept in memory; metrics are scraped during
 * the run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tracing } from '@opentelemetry/sdk-node'
import { runJobWith } from '../../src/app/run/run.ts'
import { summary } from '../../src/core/summary.ts'
import { resolveSettings, type Settings } from '../../src/library/settings.ts'
import { openOpenTelemetry } from '../../src/telemetry/opentelemetry.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { freePort, scrape } from './exposition.ts'

export type ReadableSpan = ReturnType<tracing.InMemorySpanExporter['getFinishedSpans']>[number]

export interface ObservedRun {
  readonly spans: readonly ReadableSpan[]
  /** The metrics as scraped right after the first results were published. */
  readonly scraped: string
  readonly results: string
}

export const FLEET = { vms: 6, windows: 4, windowMs: 60_000, pointsPerWindow: 4, seed: 7 }

export async function runObserved(settings: Settings = {}): Promise<ObservedRun> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-telemetry-'))
  try {
    const input = join(folder, 'points.ndjson')
    writeFileSync(input, fleetLines(FLEET).join('\n'))
    const config = resolveSettings({
      ...{ input: [input], partitions: 1, window: '1m', dataDir: join(folder, 'data'), metricsPort: await freePort() },
      ...settings,
    })
    const exporter = new tracing.InMemorySpanExporter()
    const scraping: { text?: Promise<string> } = {}
    let spans: readonly ReadableSpan[] = []
    await runJobWith(
      summary,
      config,
      { progress: () => undefined, event: () => undefined },
      new AbortController().signal,
      undefined,
      async (given, warn) => {
        const telemetry = await openOpenTelemetry(given, warn, new tracing.SimpleSpanProcessor(exporter))
        return {
          ...telemetry,
          pipeline: {
            ...telemetry.pipeline,
            observe(event) {
              telemetry.pipeline.observe(event)
              if (event.kind === 'published') scraping.text ??= scrape(given.metricsPort as number)
            },
          },
          async close() {
            await scraping.text
            // Closing clears the exporter.
            spans = exporter.getFinishedSpans().slice()
            await telemetry.close()
          },
        }
      },
    )
    const results = readFileSync(join(folder, 'data', 'results.ndjson'), 'utf8')
    return { spans, scraped: (await scraping.text) ?? '', results }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
