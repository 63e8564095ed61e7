/** Log lines carry partition, window and trace; secrets are masked in all of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { resolveSettings } from '../../src/library/settings.ts'
import { masking, secretsOf } from '../../src/telemetry/secrets.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { start } from '../support/windrow-process.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'windrow-log-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the log of a run', () => {
  it('has partition, window and trace on every line of a window, from its first point until it is published', async () => {
    const input = join(folder, 'points.ndjson')
    writeFileSync(input, fleetLines({ vms: 3, windows: 2, windowMs: 60_000, pointsPerWindow: 2, seed: 1 }).join('\n'))
    const args = ['run', '--input', input, '--window', '1m', '--partitions', '1', '--data-dir', join(folder, 'data')]
    // No collector listens at this address: spans are not sent, and the run is not delayed.
    const ended = await start([...args, '--log-level', 'trace', '--otlp-endpoint', 'http://127.0.0.1:9']).ended
    expect(ended.code, ended.stderr).toBe(0)
    const lines = ended.stderr.split('\n').filter((line) => line.startsWith('{'))
    expect(ended.stderr).toContain('spans were not sent')
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const first = new Date(0).toISOString()
    const ofFirst = entries.filter(({ window }) => window === first)
    const kinds = ofFirst.map(({ msg }) => msg)
    for (const kind of ['opened', 'cut', 'committed', 'published']) expect(kinds).toContain(kind)
    const traces = new Set(ofFirst.map((entry) => entry['trace_id']))
    expect(traces.size).toBe(1)
    expect([...traces][0]).toMatch(/^[0-9a-f]{32}$/)
    expect(ofFirst.every(({ partition }) => partition === 0)).toBe(true)
  })

  it('never shows a secret, not even when a library quotes it in an error', async () => {
    const [user, password] = ['probe-user', 'p4ss"word/+ö']
    const address = `://${user}:${encodeURIComponent(password)}@127.0.0.1:9`
    const env = {
      WINDROW_SCHEMA_REGISTRY: `http${address}`,
      WINDROW_OTLP_ENDPOINT: `http${address}`,
      DAPR_API_TOKEN: 'token-of-dapr-1234',
    }
    const input = join(folder, 'points.ndjson')
    writeFileSync(input, fleetLines({ vms: 2, windows: 2, windowMs: 60_000, pointsPerWindow: 2, seed: 1 }).join('\n'))
    const args = ['run', '--input', input, '--window', '1m', '--data-dir', join(folder, 'data'), '--log-level', 'trace']
    const { stdout, stderr, code } = await start(args, env).ended
    expect(code, stderr).toBe(0)
    for (const secret of [password, encodeURIComponent(password), `${user}:`, env.DAPR_API_TOKEN])
      expect(stdout + stderr).not.toContain(secret)
  })
})

describe('masking', () => {
  const config = resolveSettings({ input: ['-'], schemaRegistry: 'https://me:open%20sesame@registry:8081' })

  it('finds user and password in addresses, both encoded and decoded', () => {
    expect(secretsOf(config).sort()).toEqual(['me:open%20sesame', 'open sesame', 'open%20sesame'])
  })

  it.each([
    ['as written', 'GET https://me:open%20sesame@registry:8081/schemas'],
    ['decoded', 'wrong password: open sesame'],
    ['in base64, as in a header', `Basic ${Buffer.from('open sesame').toString('base64')}`],
  ])('masks a secret %s', (_, line) => {
    const masked = masking(secretsOf(config))(JSON.stringify({ msg: line }))
    expect(masked).toContain('[secret]')
    expect(masked).not.toMatch(/sesame|b3BlbiBzZXNhbWU/)
    expect(() => void JSON.parse(masked)).not.toThrow()
  })

  test('a line without secrets is unchanged', () => {
    expect(masking(secretsOf(config))('{"msg":"cut","partition":3}')).toBe('{"msg":"cut","partition":3}')
  })
})
