/** The data that a collector receives: a run sends to an OTLP receiver over HTTP that parses the bytes itself. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { start, type Ended } from '../support/windrow-process.ts'
import { bytesOf, nested, readMessage, textOf } from './protobuf.ts'

interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface SpanSent {
  readonly trace: string
  readonly id: string
  readonly parent: string
  readonly name: string
}

let folder: string
let server: Server
let requests: Request[]
let status: number
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-otlp-'))
  requests = []
  status = 200
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const sent = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      requests.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function run(...args: readonly string[]): Promise<Ended> {
  const input = join(folder, 'points.ndjson')
  writeFileSync(input, fleetLines({ vms: 4, windows: 2, windowMs: 60_000, pointsPerWindow: 2, seed: 1 }).join('\n'))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const job = ['--input', input, '--window', '1m', '--partitions', '1', '--data-dir', join(folder, 'data')]
  return start(['run', ...job, '--otlp-endpoint', endpoint, '--log-level', 'warn', ...args]).ended
}

/** ExportTraceServiceRequest: https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto. */
const resourceSpans = () => requests.flatMap(({ body }) => nested(readMessage(body), 1))

const spansSent = (): SpanSent[] =>
  resourceSpans()
    .flatMap((resource) => nested(resource, 2))
    .flatMap((scope) => nested(scope, 2))
    .map((span) => ({
      trace: bytesOf(span, 1).toString('hex'),
      id: bytesOf(span, 2).toString('hex'),
      parent: bytesOf(span, 4).toString('hex'),
      name: textOf(span, 5),
    }))

describe('a collector', () => {
  it('receives every span of a run before the run ends, as protobuf, at the path that OTLP defines', async () => {
    const ended = await run('--trace-vm-sampling', '1', '--vms-per-workflow', '1', '--job', 'traced')
    expect(ended.code, ended.stderr).toBe(0)
    for (const { path, headers } of requests)
      expect([path, headers['content-type']]).toEqual(['/v1/traces', 'application/x-protobuf'])

    const spans = spansSent()
    const named = (name: string): SpanSent[] => spans.filter((span) => span.name === name)
    const counts = ['window', 'commit', 'publish', 'vm-window', 'vm-window turn'].map((name) => named(name).length)
    expect(counts).toEqual([2, 2, 2, 8, 8])
    expect(new Set(spans.map(({ trace }) => trace)).size).toBe(2)
    expect(spans.every(({ trace, id }) => /^[0-9a-f]{32}$/.test(trace) && /^[0-9a-f]{16}$/.test(id))).toBe(true)
    // Every parent was sent too, so each trace is one tree.
    const ids = new Set(spans.map(({ id }) => id))
    expect(spans.filter(({ parent }) => parent === '').map(({ name }) => name)).toEqual(['window', 'window'])
    expect(spans.filter(({ parent }) => parent !== '' && !ids.has(parent))).toEqual([])
  })

  it('receives the names of service and job', async () => {
    expect((await run('--job', 'traced')).code).toBe(0)
    const attributes = resourceSpans()
      .flatMap((one) => nested(one, 1))
      .flatMap((resource) => nested(resource, 1))
      .map((pair) => [textOf(pair, 1), textOf(nested(pair, 2)[0] ?? new Map(), 1)])
    expect(Object.fromEntries(attributes)).toEqual({ 'service.name': 'windrow', 'windrow.job': 'traced' })
  })

  it('that refuses spans causes a warning and does not fail the run', async () => {
    status = 400
    const { code, stderr } = await run()
    expect(code, stderr).toBe(0)
    expect(requests.length).toBeGreaterThan(0)
    expect(stderr).toContain('spans were not sent')
  })
})
