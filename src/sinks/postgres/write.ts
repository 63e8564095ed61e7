/** Writes many rows: one statement with arrays of values, or COPY, which is several times faster from some hundreds on. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ClientBase } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { namesOf, type TableDefinition } from './columns.ts'
import type { TableRow } from './rows.ts'
import { quoted, type JobTable } from './tables.ts'

const CHUNK_CHARACTERS = 65_536
const STAGED = 'windrow_staged'

/** Rows that a statement can read: as its parameters, or in a temporary table. */
export interface StagedRows {
  /** For the FROM clause; the rows are called `staged` there. */
  readonly from: string
  readonly parameters: readonly unknown[]
}

export async function insertRows(
  client: ClientBase,
  { name, definition }: JobTable,
  rows: readonly TableRow[],
  copyFromRows: number,
): Promise<void> {
  if (rows.length === 0) return
  if (rows.length >= copyFromRows) return copyRows(client, name, definition, rows)
  const { from, parameters } = parametersOf(definition, rows)
  const columns = columnList(definition)
  await client.query(`INSERT INTO ${name} (${columns}) SELECT ${columns} FROM ${from}`, [...parameters])
}

/** Makes rows readable for the statements of this transaction. */
export async function stageRows(
  client: ClientBase,
  definition: TableDefinition,
  rows: readonly TableRow[],
  copyFromRows: number,
): Promise<StagedRows> {
  if (rows.length < copyFromRows) return parametersOf(definition, rows)
  const columns = definition.columns.map(({ name, type }) => `${quoted(name)} ${type}`)
  await client.query(`CREATE TEMPORARY TABLE ${STAGED} (${columns.join(', ')}) ON COMMIT DROP`)
  await copyRows(client, STAGED, definition, rows)
  return { from: `${STAGED} AS staged`, parameters: [] }
}

export function columnList(definition: TableDefinition): string {
  return namesOf(definition).map(quoted).join(', ')
}

/** One array per column. */
function parametersOf(definition: TableDefinition, rows: readonly TableRow[]): StagedRows {
  const types = definition.columns.map(({ type }, index) => `$${index + 1}::${type}[]`)
  return {
    from: `unnest(${types.join(', ')}) AS staged (${columnList(definition)})`,
    parameters: definition.columns.map((_, index) => rows.map((row) => row[index])),
  }
}

async function copyRows(
  client: ClientBase,
  name: string,
  definition: TableDefinition,
  rows: readonly TableRow[],
): Promise<void> {
  const stream = client.query(copyFrom(`COPY ${name} (${columnList(definition)}) FROM STDIN`))
  await pipeline(Readable.from(copyChunks(rows)), stream)
}

/** The text format of COPY, https://www.postgresql.org/docs/current/sql-copy.html. */
export function* copyChunks(rows: readonly TableRow[]): Generator<Buffer> {
  let text = ''
  for (const row of rows) {
    text += `${row.map(copyValue).join('\t')}\n`
    if (text.length < CHUNK_CHARACTERS) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function copyValue(value: TableRow[number]): string {
  if (value === null) return '\\N'
  if (typeof value === 'number') return String(value)
  return value.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character)
}
