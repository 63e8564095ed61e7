/** `--results postgres://…`: what an address means, and what is wrong with others. */
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresError } from '../../../src/sinks/postgres/errors.ts'
import { storable } from '../../../src/sinks/figures.ts'
import { timestampText } from '../../../src/sinks/postgres/rows.ts'
import { parsePostgres, tableDestination, type PostgresSetting } from '../../../src/sinks/postgres/setting.ts'
import { copyChunks } from '../../../src/sinks/postgres/write.ts'

function parsed(text: string): PostgresSetting {
  const setting = parsePostgres(text)
  if (setting === null || 'problem' in setting) throw new Error(setting?.problem ?? 'not an address of PostgreSQL')
  return setting
}

function problemOf(text: string): string {
  const setting = parsePostgres(text)
  return setting !== null && 'problem' in setting ? setting.problem : 'none'
}

describe('an address', () => {
  it('names host, port, database, user, schema and table', () => {
    expect(parsed('postgres://windrow@db.example:6543/metrics?table=fleet.vm_windows')).toMatchObject({
      ...{ host: 'db.example', port: 6543, database: 'metrics', user: 'windrow' },
      ...{ schema: 'fleet', table: 'vm_windows', sslMode: 'verify-full' },
    })
  })

  it('has defaults, and uses no TLS on this machine only', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]', '%2Fvar%2Frun%2Fpostgresql', '']) {
      expect(parsed(`postgresql://${host}/metrics`)).toMatchObject({
        ...{ port: 5432, user: null, schema: 'public', table: 'vm_results', sslMode: 'disable' },
      })
    }
    expect(parsed('postgres://db/metrics?sslmode=disable').sslMode).toBe('disable')
    expect(parsed('postgres://%2Fvar%2Frun%2Fpostgresql/metrics').host).toBe('/var/run/postgresql')
  })

  it('is the same destination whatever its user, columns and TLS', () => {
    const [a, b] = ['postgres://a@db/m', 'postgresql://b@db:5432/m?columns=cpu.mean&sslmode=require'].map(parsed)
    expect(tableDestination(a as PostgresSetting)).toBe('table public.vm_results in db:5432/m')
    expect(tableDestination(b as PostgresSetting)).toBe(tableDestination(a as PostgresSetting))
  })

  it.each([
    ['postgres://u:secret@db/m', 'contains a password'],
    ['postgres:vm_results', 'is not postgres://'],
    ['postgres://db', 'names no database'],
    ['postgres://db/m?password=secret', 'password= is none of'],
    ['postgres://db/m?table=Results', 'not a name of at most 49'],
    ['postgres://db/m?table=a.b.c', 'not a name of at most 49'],
    [`postgres://db/m?table=${'a'.repeat(50)}`, 'not a name of at most 49'],
    ['postgres://db/m?sslmode=prefer', 'sslmode=prefer is none of'],
    ['postgres://db/m?columns=cpu', 'is not METRIC.FIGURE'],
    ['postgres://db/m?columns=cpu.p95,CPU.p95', 'two columns would have the name cpu_p95'],
    ['postgres://db/m?columns=window.start', 'two columns would have the name window_start'],
    ['postgres://db/%zz', 'is not postgres://'],
  ])('%s: %s', (text, problem) => {
    expect(problemOf(text)).toContain(problem)
    expect(problemOf(text)).not.toContain('secret')
  })

  it('of another kind belongs to another sink', () => {
    expect(parsePostgres('kafka:results')).toBeNull()
    expect(parsePostgres('postgres.ndjson')).toBeNull()
  })
})

describe('texts', () => {
  it('that PostgreSQL cannot store are escaped, and stay different', () => {
    const texts = ['a', '', 'a\0b', 'a\\u0000b', '␀a\\u0000b', '␀', '\ud800', '\ud801', '😀', '�']
    const stored = texts.map(storable)
    expect(new Set(stored).size).toBe(texts.length)
    expect(stored.filter((text, index) => text !== texts[index])).toHaveLength(5)
    for (const text of stored) expect(Buffer.from(text).toString()).toBe(text)
    for (const text of stored) expect(text).not.toContain('\0')
  })

  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [-62_135_596_800_000, '0001-01-01T00:00:00.000Z'],
    [-62_135_596_800_001, '0001-12-31T23:59:59.999Z BC'],
    [253_402_300_800_000, '10000-01-01T00:00:00.000Z'],
  ])('of the time %d are %s', (ms, text) => expect(timestampText(ms)).toBe(text))

  it('are escaped for COPY', () => {
    const rows = [
      ['a\tb', 'c\nd', 'e\rf'],
      ['\\N', null, 1.5],
    ]
    expect(Buffer.concat([...copyChunks(rows)]).toString()).toBe('a\\tb\tc\\nd\te\\rf\n\\\\N\t\\N\t1.5\n')
    expect([...copyChunks(Array.from({ length: 3 }, () => ['x'.repeat(40_000)]))]).toHaveLength(2)
  })
})

describe('an error', () => {
  const ofState = (code: string): pg.DatabaseError =>
    Object.assign(new pg.DatabaseError('of the server', 0, 'error'), { code })

  it.each([
    [ofState('57P01'), 'POSTGRES_UNREACHABLE'],
    [ofState('40001'), 'POSTGRES_UNREACHABLE'],
    [ofState('25006'), 'POSTGRES_UNREACHABLE'],
    [ofState('53300'), 'POSTGRES_UNREACHABLE'],
    [ofState('28P01'), 'POSTGRES_DENIED'],
    [ofState('42501'), 'POSTGRES_DENIED'],
    [ofState('23514'), 'POSTGRES_REFUSED'],
    [new Error('Connection terminated unexpectedly'), 'POSTGRES_UNREACHABLE'],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'POSTGRES_UNREACHABLE'],
    [Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'POSTGRES_TLS'],
    [new Error('The server does not support SSL connections'), 'POSTGRES_TLS'],
  ])('%s has the code %s', (error, code) => {
    expect(postgresError(error, 'publishing')).toMatchObject({ code })
  })

  it('of another origin stays as it is', () => {
    const error = new TypeError('a mistake in the program')
    expect(postgresError(error, 'publishing')).toBe(error)
  })
})
