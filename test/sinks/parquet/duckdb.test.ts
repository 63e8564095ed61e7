/**
 * Runs that publish to Parquet, read back by DuckDB: without hints it finds the types, values and days that the results
 * have. `verify` reads the folder.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { nodeFileSystem } from '../../../src/adapters/files/file-system.ts'
import { createParquetPublishers } from '../../../src/sinks/parquet/publisher.ts'
import type { OutboxBatch } from '../../../src/ports/index.ts'
import { openParquetReader } from '../../../src/sinks/parquet/reader.ts'
import { samplePoints } from '../../support/sample-points.ts'
import { start, summaryOf, windrow, type Ended } from '../../support/windrow-process.ts'
import { batchOf, HOUR_MS, resultOf } from '../batches.ts'

let folder: string
let database: DuckDBInstance
let connection: DuckDBConnection
const at = (name: string): string => join(folder, name)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-parquet-'))
  database = await DuckDBInstance.create(':memory:')
  connection = await database.connect()
  await connection.run("SET TimeZone = 'UTC'")
})
afterEach(() => {
  connection.closeSync()
  database.closeSync()
  rmSync(folder, { recursive: true, force: true })
})

async function query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjectsJson()
}
const parquet = (part: string): string => `'${at(`out/${part}/*/*.parquet`)}'`
const linesIn = (name: string): string[] => readFileSync(at(name), 'utf8').trimEnd().split('\n')

async function runOn(points: string, ...more: readonly string[]): Promise<Ended> {
  writeFileSync(at('points.ndjson'), points)
  const results = ['--results', at('out.ndjson'), '--results', `parquet:${at('out')}`]
  return windrow(['run', '--input', at('points.ndjson'), '--data-dir', at('data'), '--json', ...results, ...more])
}

function verify(): Promise<Ended> {
  const job = ['--input', at('points.ndjson'), '--data-dir', at('data'), '--partitions', '2']
  return start(['verify', ...job, '--results', `parquet:${at('out')}`]).ended
}

it('a file and a folder get the same results, certificates and dead letters, and verify reads the folder', async () => {
  const ended = await runOn(`${samplePoints()}{"vmId":"web-1"}\n`, '--partitions', '2')
  const rows = await query(`SELECT result FROM ${parquet('results')}`)
  expect(rows).toHaveLength(summaryOf(ended).vmWindows)
  expect(rows.map(({ result }) => result).sort()).toEqual(linesIn('out.ndjson').sort())
  const certificates = await query(
    `SELECT unnest(string_split(decode(value), chr(10))) AS line FROM parquet_kv_metadata(${parquet('results')}) WHERE decode(key) = 'windrow.certificates'`,
  )
  expect(certificates.map(({ line }) => line).sort()).toEqual(linesIn('out.certificates.ndjson').sort())
  const letters = await query(`SELECT reason, letter FROM '${at('out/dead-letters/*.parquet')}'`)
  expect(letters).toEqual([{ reason: 'invalid', letter: linesIn('data/dead-letters.ndjson')[0] }])

  const verified = await verify()
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  // What DuckDB wrote is not what Windrow published.
  const [one] = await query(`SELECT filename FROM read_parquet(${parquet('results')}, filename = true) LIMIT 1`)
  await connection.run(`COPY (SELECT * REPLACE (replace(result, '"revision":1', '"revision":2') AS result)
    FROM read_parquet('${String(one?.['filename'])}', hive_partitioning = false)) TO '${String(one?.['filename'])}'`)
  const differs = await verify()
  expect(differs.code, differs.stdout + differs.stderr).toBe(1)
})

it('types and values are found without hints, whatever the first rows are', async () => {
  const publisher = await createParquetPublishers({
    ...{ files: nodeFileSystem, folder: at('out'), deadLetters: at('out/dead-letters'), job: 'test' },
  }).open(0)
  const start_ = Date.UTC(2026, 2, 1, 23)
  const values = [...Array.from({ length: 1500 }, () => 2), 2.5, -0, 1e-300, 0.1 + 0.2]
  const results = values.map((value, index) =>
    resultOf(`vm-\u{1f600}-${index}`, start_ + (index % 2) * HOUR_MS, 1, value),
  )
  await publisher.publish(batchOf(1, [...results, resultOf('a\0b\ud800', start_, 2 ** 40, { 'disk.used': 1, cpu: 2 })]))
  const types = await query(`DESCRIBE SELECT * FROM ${parquet('results')}`)
  expect(Object.fromEntries(types.map((one) => [one['column_name'], one['column_type']]))).toEqual({
    ...{ vm_id: 'VARCHAR', window_start: 'TIMESTAMP WITH TIME ZONE', window_end: 'TIMESTAMP WITH TIME ZONE' },
    ...{ revision: 'BIGINT', reason: 'VARCHAR', expected: 'BIGINT', received: 'BIGINT', duplicates: 'BIGINT' },
    ...{ conflicts: 'BIGINT', missing_count: 'BIGINT', aggregator: 'VARCHAR', result: 'VARCHAR', day: 'DATE' },
    ...{ partition: 'INTEGER', commit: 'BIGINT', ordinal: 'INTEGER' },
  })
  const rows = await query(`SELECT ordinal, mean FROM ${parquet('metrics')} WHERE metric = 'cpu' AND revision = 1
    ORDER BY ordinal`)
  expect(rows.map(({ mean }) => mean)).toEqual(values.map((value) => value + 0))
  const days = `SELECT day::text AS day, count(*)::int AS n, min(window_start)::text AS first FROM ${parquet('results')}`
  expect(await query(`${days} GROUP BY day ORDER BY day`)).toEqual([
    { day: '2026-03-01', n: 753, first: '2026-03-01 23:00:00+00' },
    { day: '2026-03-02', n: 752, first: '2026-03-02 00:00:00+00' },
  ])
  expect(await query(`SELECT vm_id, metric FROM ${parquet('metrics')} WHERE revision > 1 ORDER BY metric`)).toEqual([
    { vm_id: '␀a\\u0000b\\ud800', metric: 'cpu' },
    { vm_id: '␀a\\u0000b\\ud800', metric: 'disk.used' },
  ])
})

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const read: string[] = []
  for await (const line of lines) read.push(line)
  return read
}

it('a commit that closes several windows keeps the certificate of each', async () => {
  const publisher = await createParquetPublishers({
    ...{ files: nodeFileSystem, folder: at('out'), deadLetters: at('out/dead-letters'), job: 'test' },
  }).open(0)
  const batches = [0, 30, 60].map((hour, index) => batchOf(index + 1, [resultOf('web-1', hour * HOUR_MS, 1, hour)]))
  const joined = {
    ...(batches[0] as OutboxBatch),
    results: batches.flatMap(({ results }) => results),
    certificates: batches.flatMap(({ certificates }) => certificates),
  }
  await publisher.publish(joined)
  const reader = await openParquetReader({ kind: 'parquet', folder: at('out') })
  expect(await all(reader.certificates())).toEqual(joined.certificates)
  expect(await all(reader.results())).toEqual(joined.results)
})
