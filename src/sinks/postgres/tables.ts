/** The names of a job's tables. They are created if they do not exist, and checked otherwise. */
import pg, { type ClientBase } from 'pg'
import { WindrowError } from '../../errors/index.ts'
import {
  CERTIFICATES_TABLE,
  DEAD_LETTERS_TABLE,
  METRICS_TABLE,
  PUBLISHED_TABLE,
  RESULTS_TABLE,
  SUPERSEDED_TABLE,
  type ColumnDefinition,
  type TableDefinition,
} from './columns.ts'
import { companionTable, databaseOf, tableDestination, type PostgresSetting } from './setting.ts'

export interface JobTable {
  readonly setting: PostgresSetting
  /** With its schema and quotes, for statements. */
  readonly name: string
  readonly definition: TableDefinition
}

export interface JobTables {
  readonly results: JobTable
  /** `null` if figures are columns of the results. */
  readonly metrics: JobTable | null
  readonly superseded: JobTable
  readonly deadLetters: JobTable
  readonly certificates: JobTable
  readonly published: JobTable
}

export function tablesOf(
  results: PostgresSetting,
  deadLetters: PostgresSetting,
  certificates: PostgresSetting,
): JobTables {
  const figures = results.columns.map(({ name }): ColumnDefinition => ({
    ...{ name, type: 'double precision', isNullable: true },
  }))
  const beside = (ending: string, definition: TableDefinition) => jobTable(companionTable(results, ending), definition)
  return {
    results: jobTable(results, { ...RESULTS_TABLE, columns: [...RESULTS_TABLE.columns, ...figures] }),
    metrics: figures.length > 0 ? null : beside('_metrics', METRICS_TABLE),
    superseded: beside('_superseded', SUPERSEDED_TABLE),
    deadLetters: jobTable(deadLetters, DEAD_LETTERS_TABLE),
    certificates: jobTable(certificates, CERTIFICATES_TABLE),
    published: beside('_published', PUBLISHED_TABLE),
  }
}

function jobTable(setting: PostgresSetting, definition: TableDefinition): JobTable {
  return { setting, name: `${quoted(setting.schema)}.${quoted(setting.table)}`, definition }
}

export function quoted(name: string): string {
  return pg.escapeIdentifier(name)
}

/** Creates the tables that do not exist, in a transaction of the caller, and checks the others. */
export async function createOrCheckTables(client: ClientBase, tables: JobTables): Promise<void> {
  // Other processors of the job may start at the same time.
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [tables.results.name])
  for (const table of Object.values(tables) as (JobTable | null)[]) {
    if (table === null) continue
    if (await tableExists(client, table)) await checkTable(client, table)
    else await client.query(creationOf(table))
  }
}

/** The statement that creates the table. */
export function creationOf({ name, definition: { columns, key } }: JobTable): string {
  const lines = columns.map((one) => `  ${quoted(one.name)} ${one.type}${one.isNullable === true ? '' : ' NOT NULL'}`)
  return `CREATE TABLE ${name} (\n${lines.join(',\n')},\n  PRIMARY KEY (${key.map(quoted).join(', ')})\n)`
}

export async function tableExists(client: ClientBase, { name }: JobTable): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [name])
  return rows[0]?.found === true
}

/** Columns and unique keys of a table. Indexes with a condition or an expression are no such keys. */
const DESCRIPTION = `
SELECT 'column' AS kind, attname AS name, format_type(atttypid, atttypmod) AS type,
       NOT attnotnull OR atthasdef OR attidentity <> '' AS optional
  FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'key', (SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute
                WHERE attrelid = indrelid AND attnum = ANY (indkey::smallint[])), '', false
  FROM pg_index WHERE indrelid = to_regclass($1) AND indisunique AND indpred IS NULL AND indexprs IS NULL`

interface Described {
  readonly kind: 'column' | 'key'
  readonly name: string
  readonly type: string
  readonly optional: boolean
}

async function checkTable(client: ClientBase, { name, setting, definition }: JobTable): Promise<void> {
  const { rows } = await client.query<Described>(DESCRIPTION, [name])
  const found = new Map(rows.filter(({ kind }) => kind === 'column').map((one) => [one.name, one]))
  const problems: string[] = []
  for (const { name: wanted, type } of definition.columns) {
    const type_ = found.get(wanted)?.type
    if (type_ === undefined) problems.push(`it has no column ${wanted} ${type}`)
    else if (type_ !== type) problems.push(`its column ${wanted} is ${type_}, not ${type}`)
    found.delete(wanted)
  }
  // A further column is harmless if an insert may leave it out.
  for (const { name: other, optional } of found.values())
    if (!optional) problems.push(`its column ${other} has no default and may not be null`)
  const key = [...definition.key].sort().join(',')
  if (!rows.some((one) => one.kind === 'key' && one.name === key))
    problems.push(`it has no primary key or unique index on ${definition.key.join(', ')}`)
  if (problems.length === 0) return
  throw new WindrowError(`${tableDestination(setting)} is not as Windrow writes it: ${problems.join('; ')}`, {
    code: 'RESULTS_TABLE_DIFFERS',
  })
}

/** Companions must be in the same database, since a commit is one transaction. */
export function isSameDatabase(a: PostgresSetting, b: PostgresSetting): boolean {
  return databaseOf(a) === databaseOf(b)
}
