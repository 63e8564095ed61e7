/** `GET /livez` and `GET /readyz`: 200 or 503, with the report as JSON. For probes; it tells health and nothing else. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Health, HealthReport } from './health.ts'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

/** A probe sends a line and a few headers; what dawdles is cut off. */
const REQUEST_TIMEOUT_MS = 5_000

/** Listens on all interfaces, since probes come from outside the container. Port 0 takes any that is free. */
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
      remedy: 'Give another --health-port, or end what listens there.',
      cause,
    })
  }
  // It tells of the run and must not outlive it.
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
  const questions: Readonly<Record<string, () => HealthReport | Promise<HealthReport>>> = {
    '/livez': () => health.alive(),
    '/readyz': () => health.ready(),
  }
  const path = url?.split('?')[0] ?? ''
  const ask = Object.hasOwn(questions, path) ? questions[path] : undefined
  if (ask === undefined) return end(response, 404, { error: 'there are /livez and /readyz' })
  if (method !== 'GET' && method !== 'HEAD') return end(response, 405, { error: 'GET it' })
  const report = await ask()
  end(response, report.ok ? 200 : 503, report)
}

function end(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}
