/** Serves `GET /livez` and `GET /readyz` for probes: 200 or 503, with the report as JSON. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Health, HealthReport } from './health.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

/** Probes are small requests; a slow one is aborted. */
const REQUEST_TIMEOUT_MS = 5_000

/** Listens on all interfaces, since probes come from outside the container. Port 0 selects any free port. */
export async function serveHealth(health: Pick<Health, 'alive' | 'ready'>, port: number): Promise<HealthServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAlive: false }, (request, response) => {
    void answer(health, request, response)
  })
  server.maxConnections = 64
  server.listen(port)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new WindrowError(`health cannot be served on port ${port}: ${messageOf(cause)}`, {
      code: 'HEALTH_PORT',
      cause,
    })
  }
  // The server must not keep the process alive after the run.
  server.unref()
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  health: Pick<Health, 'alive' | 'ready'>,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reports: Readonly<Record<string, () => HealthReport | Promise<HealthReport>>> = {
    '/livez': () => health.alive(),
    '/readyz': () => health.ready(),
  }
  const path = url?.split('?')[0] ?? ''
  const reportOf = Object.hasOwn(reports, path) ? reports[path] : undefined
  if (reportOf === undefined) return end(response, 404, { error: 'use /livez or /readyz' })
  if (method !== 'GET' && method !== 'HEAD') return end(response, 405, { error: 'use GET' })
  const report = await reportOf()
  end(response, report.ok ? 200 : 503, report)
}

function end(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
