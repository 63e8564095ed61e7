/** Reads what a job has published to PostgreSQL, all revisions of it, as of one moment. */
import type { PoolClient } from 'pg'
import { WindrowError } from '../../errors/index.ts'
import type { PublishedReader } from '../sink.ts'
import type { Database } from './database.ts'
import { postgresError } from './errors.ts'
import { tableDestination } from './setting.ts'
import { tableExists, type JobTables } from './tables.ts'

const ROWS_AT_ONCE = 1000

/** Everything is read in one transaction, whose snapshot contains the same commits in each table. */
export async function openPostgresReader(database: Database, tables: JobTables): Promise<PublishedReader> {
  const doing = `reading ${tableDestination(tables.results.setting)}`
  const client = await database.connect(doing)
  const close = async (): Promise<void> => {
    client.release(true)
    await database.close()
  }
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    for (const table of [tables.results, tables.superseded, tables.certificates]) {
      if (await tableExists(client, table)) continue
      throw new WindrowError(`there are no results: ${tableDestination(table.setting)} does not exist`, {
        code: 'NOTHING_PUBLISHED',
      })
    }
  } catch (error) {
    await close()
    throw postgresError(error, doing)
  }
  const { results, superseded, certificates } = tables
  const columns = 'partition, commit, ordinal, result::text AS line'
  return {
    results: () =>
      linesOf(client, doing, 'results', [
        `SELECT line FROM (SELECT ${columns} FROM ${results.name}`,
        `UNION ALL SELECT ${columns} FROM ${superseded.name}) AS published ORDER BY partition, commit, ordinal`,
      ]),
    certificates: () =>
      linesOf(client, doing, 'certificates', [
        `SELECT certificate::text AS line FROM ${certificates.name} ORDER BY partition, sequence`,
      ]),
    close,
  }
}

async function* linesOf(
  client: PoolClient,
  doing: string,
  cursor: string,
  query: readonly string[],
): AsyncGenerator<string> {
  try {
    await client.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${query.join(' ')}`)
    for (;;) {
      const { rows } = await client.query<{ line: string }>(`FETCH ${ROWS_AT_ONCE} FROM ${cursor}`)
      for (const { line } of rows) yield line
      if (rows.length < ROWS_AT_ONCE) break
    }
    await client.query(`CLOSE ${cursor}`)
  } catch (error) {
    throw postgresError(error, doing)
  }
}
