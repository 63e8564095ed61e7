/** `/livez` and `/readyz`: their reports, and that these match the state of a run. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openFileInput } from '../../src/app/run/file-input.ts'
import { runJobWith } from '../../src/app/run/run.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { summary } from '../../src/core/summary.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { Health } from '../../src/telemetry/health.ts'
import { serveHealth, type HealthServer } from '../../src/telemetry/health-server.ts'

const lost = new WindrowError('gone', { code: 'DATA_LOSS', remedy: 'none' })

/** A healthy process; each case breaks one condition. */
function healthy(): Health {
  const health = new Health()
  health.setAssignment([0, 1])
  health.observeWorker({ kind: 'connected' })
  health.setSidecarProbe(async () => undefined)
  return health
}

describe('a process is ready', () => {
  it('while it has an assignment, its worker is connected and its sidecar answers', async () => {
    expect(await healthy().ready()).toEqual({ ok: true, because: [], partitions: [0, 1], halted: [] })
  })

  it.each<[string, string, (health: Health) => void]>([
    ['after shutdown begins', 'the process is shutting down', (health) => health.recordShutdown()],
    [
      'during a rebalance',
      'the process has no assignment from the consumer group',
      (health) => health.clearAssignment(),
    ],
    [
      'without a connected worker',
      'the workflow worker is not connected',
      (health) => health.observeWorker({ kind: 'disconnected', cause: new Error('cut') }),
    ],
    [
      'when its sidecar does not answer',
      'the sidecar does not answer: deadline exceeded',
      (health) => health.setSidecarProbe(() => Promise.reject(new Error('deadline exceeded'))),
    ],
  ])('not %s', async (_case, reason, breakIt) => {
    const health = healthy()
    breakIt(health)
    expect(await health.ready()).toMatchObject({ ok: false, because: [reason] })
  })

  it('at startup the report lists everything that is missing', async () => {
    expect((await new Health().ready()).because).toHaveLength(3)
  })

  it('without a partition too: processes in excess of the partitions are spares', async () => {
    const health = healthy()
    health.setAssignment([])
    expect((await health.ready()).ok).toBe(true)
  })

  it('after a warning of the worker, which stays connected', async () => {
    const health = healthy()
    health.observeWorker({ kind: 'log', level: 'warn', message: 'an activity threw', details: [] })
    expect((await health.ready()).ok).toBe(true)
  })
})

describe('a process is alive', () => {
  it('with one of several partitions halted, and the report names it', () => {
    const health = healthy()
    health.recordHalt(0, lost)
    expect(health.alive()).toMatchObject({ ok: true, halted: [{ partition: 0, code: 'DATA_LOSS' }] })
  })

  it('not with every partition halted, but again after the next assignment', () => {
    const health = healthy()
    for (const partition of [0, 1]) health.recordHalt(partition, lost)
    expect(health.alive()).toMatchObject({ ok: false, because: ['every partition of this process is halted'] })
    health.setAssignment([0, 1])
    expect(health.alive().ok).toBe(true)
  })

  it('while it waits for a broker or a sidecar', () => {
    expect(new Health().alive().ok).toBe(true)
  })
})

describe('the health server responds with', () => {
  let server: HealthServer
  afterEach(() => server.close())
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return { status: response.status, body: init.method === 'HEAD' ? null : ((await response.json()) as object) }
  }

  it('200 or 503 with the report', async () => {
    const health = healthy()
    server = await serveHealth(health, 0)
    expect(await get('/readyz?verbose')).toMatchObject({ status: 200, body: { ok: true, partitions: [0, 1] } })
    expect(await get('/livez', { method: 'HEAD' })).toMatchObject({ status: 200 })
    health.recordShutdown()
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { because: ['the process is shutting down'] } })
    expect(await get('/livez')).toMatchObject({ status: 200 })
  })

  it('404 for other paths and 405 for other methods', async () => {
    server = await serveHealth(healthy(), 0)
    for (const path of ['/', '/metrics', '/constructor', '/livez/'])
      expect(await get(path), path).toMatchObject({ status: 404 })
    expect(await get('/livez', { method: 'POST' })).toMatchObject({ status: 405 })
  })

  it('an error that names the port, if it is in use', async () => {
    server = await serveHealth(healthy(), 0)
    await expect(serveHealth(healthy(), server.port)).rejects.toMatchObject({
      code: 'HEALTH_PORT',
      message: expect.stringContaining(String(server.port)) as string,
    })
  })
})

describe('a run', () => {
  it('is not ready before its input is open, ready while it runs, and not served after its end', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'windrow-health-'))
    const port = await freePort()
    const flags = { input: ['examples/points.ndjson'], dataDir, healthPort: String(port) }
    const config = resolveConfig({ flags, env: {}, file: null })
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/readyz`)).status
    const seen: number[] = []
    const observer = { progress: () => undefined, event: () => undefined }
    try {
      await runJobWith(summary, config, observer, new AbortController().signal, async (given, hooks) => {
        seen.push(await ready())
        const input = await openFileInput(given, hooks)
        return {
          ...input,
          drive: async (...args) => {
            seen.push(await ready())
            await input.drive(...args)
          },
        }
      })
    } finally {
      rmSync(dataDir, { recursive: true })
    }
    expect(seen).toEqual([503, 200])
    await expect(ready()).rejects.toThrow()
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
