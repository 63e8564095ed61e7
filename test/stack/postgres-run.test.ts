/**
 * Whole runs that publish to PostgreSQL: next to a file and with `windrow verify` on the table, while the server is down,
 * with passwords, and over TLS. No output contains a password.
 */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { samplePoints } from '../support/sample-points.ts'
import { start, summaryOf, windrow, type Ended } from '../support/windrow-process.ts'
import { logging } from './logged-run.ts'
import { postgresServer } from './postgres-server.ts'
import { fresh } from './run-support.ts'

vi.setConfig({ testTimeout: 120_000 })
const server = postgresServer()
let folder: string
const at = (name: string): string => join(folder, name)
const argsTo = (...results: readonly string[]): string[] => [
  ...['run', '--input', at('points.ndjson'), '--data-dir', at('data'), '--json', '--partitions', '2'],
  ...results.flatMap((one) => ['--results', one]),
]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-postgres-'))
  writeFileSync(at('points.ndjson'), samplePoints())
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const linesIn = (name: string): string[] => readFileSync(at(name), 'utf8').trimEnd().split('\n')

function verify(table: string, ...more: readonly string[]): Promise<Ended> {
  const args = ['verify', '--input', at('points.ndjson'), '--data-dir', at('data'), '--partitions', '2', ...more]
  return start([...args, '--results', server().url(`table=${table}`)]).ended
}

it('a file and a table get the same results, and verify reads the table', async () => {
  const table = fresh('t')
  const ended = await windrow(argsTo(at('out.ndjson'), server().url(`table=${table}`)))
  const rows = await server().query<{ line: string }>(`SELECT result::text AS line FROM ${table}`)
  expect(rows.map(({ line }) => line).sort()).toEqual(linesIn('out.ndjson').sort())
  expect(rows).toHaveLength(summaryOf(ended).vmWindows)
  const certificates = await server().query<{ line: string }>(
    `SELECT certificate::text AS line FROM ${table}_certificates`,
  )
  expect(certificates.map(({ line }) => line).sort()).toEqual(linesIn('out.certificates.ndjson').sort())

  expect(await verify(table)).toMatchObject({ code: 0 })
  await server().query(`UPDATE ${table} SET result = replace(result::text, '"received":12', '"received":11')::json
    WHERE vm_id = 'web-1' AND window_start = (SELECT min(window_start) FROM ${table})`)
  const differs = await verify(table)
  expect(differs.code).toBe(1)
  expect(differs.stdout + differs.stderr).toMatch(/web-1/)
})

it('a run that starts while the server is down publishes everything once it is up', async () => {
  const table = fresh('t')
  await server().stack.kill('postgres')
  const run = logging(start([...argsTo(server().url(`table=${table}`)), '--log-level', 'info']))
  await run.logged(({ msg, reason }) => msg === 'retry' && String(reason).includes('ECONNREFUSED'))
  await server().stack.start('postgres')
  const ended = await run.ended
  expect(ended.code, ended.stderr).toBe(0)
  const [row] = await server().query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`)
  expect(row?.n).toBe(summaryOf(ended).vmWindows)
})

describe('a server that requires passwords', () => {
  const SECRET = 'correct-horse'
  const url = (table: string, more = ''): string =>
    server().url(`table=${table}${more}`).replace('//windrow@', '//keeper@')

  beforeEach(async () => {
    const rules = join(server().stack.description.dataDir, 'postgres/pg_hba.conf')
    const text = readFileSync(rules, 'utf8')
    const rule = 'host all keeper 127.0.0.1/32 scram-sha-256\n'
    if (!text.startsWith(rule)) writeFileSync(rules, rule + text)
    await server().query(`
      DO $$ BEGIN CREATE ROLE keeper LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      ALTER ROLE keeper PASSWORD '${SECRET}';
      GRANT CREATE ON SCHEMA public TO keeper;
      SELECT pg_reload_conf()`)
    // A reload takes effect a moment later.
    await vi.waitFor(async () =>
      expect(await server().query(`SELECT 1 FROM pg_hba_file_rules WHERE user_name = '{keeper}'`)).toHaveLength(1),
    )
  })

  it('takes it from a file or from PGPASSWORD', async () => {
    const table = fresh('t')
    writeFileSync(at('password'), `${SECRET}\n`)
    await windrow(argsTo(url(table, `&passwordFile=${encodeURIComponent(at('password'))}`)))
    await windrow(argsTo(url(table)), { PGPASSWORD: SECRET })
    expect(await server().query(`SELECT vm_id FROM ${table}`)).toHaveLength(9)
  })

  it('a wrong password, and one in the address, end the run without showing it', async () => {
    const wrong = 'not-this-one'
    writeFileSync(at('password'), wrong)
    const table = fresh('t')
    const inFile = url(table, `&passwordFile=${encodeURIComponent(at('password'))}`)
    const inAddress = url(table).replace('keeper@', `keeper:${wrong}@`)
    const mistyped = inAddress.replace('postgres:', 'postgress:')
    for (const [results, says] of [
      [inFile, 'POSTGRES_DENIED'],
      [inAddress, 'contains a password'],
      [mistyped, 'is not a destination'],
    ] as const) {
      const { code, stdout, stderr } = await start(argsTo(results)).ended
      expect(code).not.toBe(0)
      expect(stderr).toContain(says)
      expect(stdout + stderr).not.toContain(wrong)
    }
  })
})

it('TLS verifies the certificate of the server', async () => {
  const { dataDir, tools } = server().stack.description
  const [key, certificate] = [join(dataDir, 'postgres/server.key'), join(dataDir, 'postgres/server.crt')]
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', certificate, '-subj', '/CN=windrow', '-addext', 'subjectAltName=IP:127.0.0.1'],
  ])
  if (tools.postgresUser !== null)
    for (const file of [key, certificate]) chownSync(file, tools.postgresUser.uid, tools.postgresUser.gid)
  await server().query('ALTER SYSTEM SET ssl = on')
  await server().query('SELECT pg_reload_conf()')
  await vi.waitFor(async () => expect(await server().query('SHOW ssl')).toEqual([{ ssl: 'on' }]))
  const table = fresh('t')
  const refused = await start(argsTo(server().url(`table=${table}&sslmode=verify-full`))).ended
  expect(refused.stderr).toContain('POSTGRES_TLS')
  const root = encodeURIComponent(certificate)
  await windrow(argsTo(server().url(`table=${table}&sslmode=verify-full&sslrootcert=${root}`)))
  const [{ tls } = { tls: null }] = await server().query<{ tls: number | null }>(
    `SELECT count(*)::int AS tls FROM ${table}`,
  )
  expect(tls).toBe(9)
})
