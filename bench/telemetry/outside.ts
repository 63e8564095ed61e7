/**
 * The processes outside the measured one, as in production: a collector of traces, and a scraper of metrics like
 * Prometheus. Runs as a child process; it sends its parent the collector's port, and at the end the number of batches and
 * scrapes.
 *
 *   fork('outside.js', [URL of the metrics, seconds between two reads])
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Listening {
  readonly otlpEndpoint: string
}

export interface Seen {
  readonly spanBatches: number
  readonly scrapes: number
}

const [metricsUrl = '', everySeconds] = process.argv.slice(2)
const seen = { spanBatches: 0, scrapes: 0 }

const collector = createServer((request, response) => {
  seen.spanBatches++
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
})
collector.listen(0, '127.0.0.1')
await once(collector, 'listening')

setInterval(
  () => {
    // No process listens between two runs and in a run without telemetry.
    void fetch(metricsUrl)
      .then((response) => response.text())
      .then(() => seen.scrapes++)
      .catch(() => undefined)
  },
  Number(everySeconds) * 1000,
)

process.on('message', () => process.send?.(seen satisfies Seen, () => process.exit()))
process.send?.({ otlpEndpoint: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` } satisfies Listening)
