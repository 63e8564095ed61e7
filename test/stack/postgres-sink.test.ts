/**
 * The PostgreSQL sink on a real server: what its tables contain, and that it stays exact if the server is killed between
 * COPY and commit, if two processes own a partition, and if results are amended.
 */
import { expect, it } from 'vitest'
import type { OutboxBatch } from '../../src/ports/index.ts'
import type { Companions, SinkOutputs } from '../../src/sinks/sink.ts'
import { openDatabase, type Database } from '../../src/sinks/postgres/database.ts'
import { openReaderOfTables } from '../../src/sinks/postgres/open.ts'
import { createPostgresPublishers, type PostgresPublishers } from '../../src/sinks/postgres/publisher.ts'
import { parsePostgres, type PostgresSetting } from '../../src/sinks/postgres/setting.ts'
import { postgresSink } from '../../src/sinks/postgres/sink.ts'
import { tablesOf } from '../../src/sinks/postgres/tables.ts'
import { batchOf, resultOf } from '../sinks/batches.ts'
import { postgresServer } from './postgres-server.ts'
import { fresh } from './run-support.ts'

const server = postgresServer()

interface Opened {
  readonly publishers: PostgresPublishers
  readonly database: Database
  readonly outputs: SinkOutputs<PostgresSetting>
  readonly table: string
  readonly close: () => Promise<void>
}

type Hooks = Omit<Parameters<typeof createPostgresPublishers>[0], 'database' | 'tables' | 'job'>

function settingOf(table: string, more = ''): PostgresSetting {
  const setting = parsePostgres(server().url(`table=${table}${more}`))
  if (setting === null || 'problem' in setting) throw new Error(`not a setting: ${setting?.problem}`)
  return setting
}

function open(table = fresh('results'), hooks: Hooks = {}, more = '', job = 'test'): Opened {
  const results = settingOf(table, more)
  const companions = postgresSink.companions?.(results, { job, dataDir: '' }) as Companions<PostgresSetting>
  const outputs = { results, ...companions }
  const database = openDatabase(results, 'test')
  const tables = tablesOf(results, companions.deadLetters, companions.certificates)
  const publishers = createPostgresPublishers({ database, tables, job, ...hooks })
  return { publishers, database, outputs, table, close: () => database.close() }
}

async function publish(opened: Opened, ...batches: readonly OutboxBatch[]): Promise<void> {
  const publisher = await opened.publishers.open(0)
  for (const batch of batches) await publisher.publish(batch)
}

const linesOf = async (opened: Opened): Promise<{ results: string[]; certificates: string[] }> => {
  const reader = await openReaderOfTables(opened.outputs)
  const [results, certificates]: [string[], string[]] = [[], []]
  for await (const line of reader.results()) results.push(line)
  for await (const line of reader.certificates()) certificates.push(line)
  await reader.close()
  return { results, certificates }
}

/** All rows of the tables, without the order in which they are stored. */
async function contentOf(table: string): Promise<unknown> {
  const content: Record<string, unknown> = {}
  for (const ending of ['', '_metrics', '_superseded', '_dead_letters', '_certificates'])
    content[ending] = await server().query(`SELECT t::text FROM ${table}${ending} t ORDER BY 1`)
  return content
}

const markerOf = async (opened: Opened) => (await opened.publishers.open(0)).marker

it('a commit becomes rows of typed columns, and its marker is read back', async () => {
  const opened = open()
  const batch = batchOf(1, [resultOf('web-1', 0, 1, 2.5)], 1)
  await publish(opened, batch)
  expect(await server().query(`SELECT * FROM ${opened.table}`)).toMatchObject([
    {
      ...{ vm_id: 'web-1', window_start: new Date(0), window_end: new Date(3_600_000), revision: '1' },
      ...{ reason: 'complete', expected: '1', received: '1', missing_count: '0', partition: 0, commit: '1' },
    },
  ])
  expect(await server().query(`SELECT metric, count, mean, p99, value FROM ${opened.table}_metrics`)).toEqual([
    { metric: 'cpu', count: '1', mean: 2.5, p99: 2.5, value: null },
  ])
  expect(await server().query(`SELECT reason, record_offset FROM ${opened.table}_dead_letters`)).toEqual([
    { reason: 'invalid', record_offset: '0' },
  ])
  expect(await markerOf(opened)).toEqual(batch.marker)
  expect(await linesOf(opened)).toEqual({ results: batch.results, certificates: batch.certificates })
  await opened.close()
})

it('COPY and arrays store the same rows, whatever characters they contain', async () => {
  const ids = ['a\tb\nc\rd\\n\\.', '"{},NULL', '\\N', '', ' ', "'; --", 'é😀', 'a\0b', '\ud800', '␀', '␀\\u0000', '[]']
  const results = ids.map((id, index) => resultOf(id, index * 3_600_000, 1, index === 2 ? -1e-300 : index / 3))
  const far = [-60_000_000_000_000, -1, 253_402_300_800_000, 8_000_000_000_000_000]
  const batch = batchOf(1, [...results, ...far.map((at) => resultOf('far', at, 1, 1e140))], 5)
  const [copied, inserted] = [open(fresh('t'), { copyFromRows: 1 }), open(fresh('t'), { copyFromRows: 10_000 })]
  for (const opened of [copied, inserted]) await publish(opened, batch)
  expect(await contentOf(copied.table)).toEqual(await contentOf(inserted.table))
  expect((await linesOf(copied)).results).toEqual(batch.results)
  const [row] = await server().query(`SELECT count(DISTINCT vm_id)::int AS ids FROM ${copied.table}`)
  expect(row).toEqual({ ids: ids.length + 1 })
  for (const opened of [copied, inserted]) await opened.close()
})

it.each([1, 10_000])('a row has the newest revision, and the reader returns all (copyFromRows %i)', async (rows) => {
  const opened = open(fresh('t'), { copyFromRows: rows })
  const both = { cpu: 1, memory: 7 }
  const first = batchOf(1, [resultOf('web-1', 0, 1, both), resultOf('web-2', 0, 1, 1)])
  const second = batchOf(2, [resultOf('web-1', 0, 2, 5)])
  await publish(opened, first, second)
  const newest = await server().query(`SELECT vm_id, revision FROM ${opened.table} ORDER BY vm_id`)
  expect(newest).toEqual([
    { vm_id: 'web-1', revision: '2' },
    { vm_id: 'web-2', revision: '1' },
  ])
  expect(await server().query(`SELECT vm_id, metric, sum FROM ${opened.table}_metrics ORDER BY vm_id`)).toEqual([
    { vm_id: 'web-1', metric: 'cpu', sum: 5 },
    { vm_id: 'web-2', metric: 'cpu', sum: 1 },
  ])
  expect((await linesOf(opened)).results).toEqual([...first.results, ...second.results])
  await opened.close()
})

it('a lower revision never replaces a higher one, and the commit that has it is refused', async () => {
  const opened = open()
  await publish(opened, batchOf(1, [resultOf('web-1', 0, 3, 5)]))
  const before = await contentOf(opened.table)
  const late = batchOf(2, [resultOf('web-1', 0, 2, 9), resultOf('web-2', 0, 1, 1)])
  await expect(publish(opened, late)).rejects.toMatchObject({ code: 'RESULTS_TABLE_AHEAD' })
  expect(await contentOf(opened.table)).toEqual(before)
  expect(await markerOf(opened)).toMatchObject({ commit: 1 })
  await opened.close()
})

it.each([1, 10_000])(
  'a server killed between the rows and the commit leaves nothing (copyFromRows %i)',
  async (rows) => {
    const table = fresh('t')
    const crashing = open(table, {
      copyFromRows: rows,
      beforeCommit: async (_, { marker }) => {
        if (marker.commit === 2) await server().crash()
      },
    })
    const batches = [1, 2, 3].map((commit) => batchOf(commit, [resultOf('web-1', commit * 3_600_000, 1, commit)], 1))
    const publisher = await crashing.publishers.open(0)
    await publisher.publish(batches[0] as OutboxBatch)
    const before = await contentOf(table)
    await expect(publisher.publish(batches[1] as OutboxBatch)).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' })
    await expect(publisher.publish(batches[1] as OutboxBatch)).rejects.toMatchObject({ code: 'PUBLISHER_BROKEN' })
    expect(await contentOf(table)).toEqual(before)
    expect(await markerOf(crashing)).toEqual(batches[0]?.marker)
    await crashing.close()

    const next = open(table)
    await publish(next, ...batches.slice(1))
    const published = await linesOf(next)
    expect(published.results).toEqual(batches.flatMap(({ results }) => results))
    expect(published.certificates).toEqual(batches.flatMap(({ certificates }) => certificates))
    await next.close()
  },
)

it('a publisher continues on a new connection after the server was killed between two commits', async () => {
  const opened = open()
  await publish(opened, batchOf(1, [resultOf('web-1', 0, 1, 1)]))
  await server().crash()
  await expect(markerOf(opened)).resolves.toMatchObject({ commit: 1 })
  await publish(opened, batchOf(2, [resultOf('web-1', 3_600_000, 1, 1)]))
  expect(await markerOf(opened)).toMatchObject({ commit: 2 })
  await opened.close()
})

it('an owner that was replaced publishes nothing', async () => {
  const opened = open()
  const earlier = await opened.publishers.open(0)
  const other = await opened.publishers.open(1)
  const later = await opened.publishers.open(0)
  const refused = earlier.publish(batchOf(1, [resultOf('web-1', 0, 1, 1)]))
  await expect(refused).rejects.toMatchObject({ code: 'PUBLISHER_FENCED' })
  await later.publish(batchOf(1, [resultOf('web-2', 0, 1, 2)]))
  await other.publish({ ...batchOf(1, [resultOf('web-3', 0, 1, 2)]), certificates: [] })
  expect(await server().query(`SELECT vm_id FROM ${opened.table} ORDER BY 1`)).toEqual([
    { vm_id: 'web-2' },
    { vm_id: 'web-3' },
  ])
  await opened.close()
})

it('the transaction of an owner that hangs is ended by the next owner', async () => {
  const table = fresh('t')
  let resume = (): void => undefined
  let zombie: Promise<void> = Promise.resolve()
  const written = new Promise<void>((allWritten) => {
    const resumed = new Promise<void>((resolve) => (resume = resolve))
    const hanging = open(table, { beforeCommit: () => (allWritten(), resumed) })
    zombie = publish(hanging, batchOf(1, [resultOf('web-1', 0, 1, 1)])).finally(hanging.close)
    zombie.catch(() => undefined)
  })
  await written
  const next = open(table)
  expect(await markerOf(next)).toBeNull()
  resume()
  await expect(zombie).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' })
  expect((await linesOf(next)).results).toEqual([])
  await publish(next, batchOf(1, [resultOf('web-1', 0, 1, 1)]))
  expect((await linesOf(next)).results).toHaveLength(1)
  await next.close()
})

it('figures can be columns of the table', async () => {
  const opened = open(fresh('t'), {}, '&columns=cpu.mean,net.rx-bytes.p95')
  const metrics = { cpu: 2.5, 'net.rx-bytes': 8 }
  await publish(opened, batchOf(1, [resultOf('web-1', 0, 1, metrics), resultOf('web-2', 0, 1, { other: 1 })]))
  const rows = await server().query(`SELECT vm_id, cpu_mean, net_rx_bytes_p95 FROM ${opened.table} ORDER BY 1`)
  expect(rows).toEqual([
    { vm_id: 'web-1', cpu_mean: 2.5, net_rx_bytes_p95: 8 },
    { vm_id: 'web-2', cpu_mean: null, net_rx_bytes_p95: null },
  ])
  await opened.close()
})

it('a table of other columns is refused with what differs; a table with further columns is used', async () => {
  const [wrong, wider] = [fresh('t'), fresh('t')]
  await server().query(
    `CREATE TABLE ${wrong} (vm_id text PRIMARY KEY, window_start bigint NOT NULL, owner text NOT NULL)`,
  )
  const refused = open(wrong)
  await expect(refused.publishers.prepare()).rejects.toMatchObject({
    code: 'RESULTS_TABLE_DIFFERS',
    message: expect.stringMatching(
      /window_start is bigint, not timestamp with time zone.*no column revision bigint.*owner has no default.*no primary key/s,
    ) as string,
  })
  await refused.close()
  const opened = open(wider)
  await opened.publishers.prepare()
  await server().query(`ALTER TABLE ${wider} ADD COLUMN note text, ADD COLUMN stored_at timestamptz DEFAULT now()`)
  await opened.close()
  const again = open(wider)
  await publish(again, batchOf(1, [resultOf('web-1', 0, 1, 1)]))
  expect(await server().query(`SELECT stored_at IS NOT NULL AS stored FROM ${wider}`)).toEqual([{ stored: true }])
  await again.close()
})

it('processors that start together create the tables once', async () => {
  const table = fresh('t')
  const opened = Array.from({ length: 4 }, () => open(table))
  await Promise.all(opened.map(({ publishers }) => publishers.prepare()))
  await Promise.all(opened.map(({ publishers }, partition) => publishers.open(partition)))
  expect(await server().query(`SELECT partition FROM ${table}_published ORDER BY 1`)).toHaveLength(4)
  for (const { close } of opened) await close()
})

it('the table of another job is refused', async () => {
  const opened = open()
  await publish(opened, batchOf(1, [resultOf('web-1', 0, 1, 1)]))
  const other = open(opened.table, {}, '', 'other')
  await expect(other.publishers.open(0)).rejects.toMatchObject({ code: 'RESULTS_OF_ANOTHER_JOB' })
  // It has fenced nothing either.
  expect(await server().query(`SELECT job, epoch FROM ${opened.table}_published`)).toEqual([
    { job: 'test', epoch: '1' },
  ])
  for (const { close } of [opened, other]) await close()
})

it('a reader of a table that does not exist reports that nothing is published', async () => {
  const opened = open()
  await expect(openReaderOfTables(opened.outputs)).rejects.toMatchObject({ code: 'NOTHING_PUBLISHED' })
  await opened.close()
})
