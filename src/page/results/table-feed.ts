/**
 * Reads published lines of a table of the PostgreSQL sink. A line's place is its commit and its ordinal, or the sequence of its
 * certificate. Within a partition commits become visible in their order, so a reading continues after the last one it saw. The
 * sink's small table of markers shows whether there is anything new; only then the table itself is read.
 */
import type { PoolClient } from 'pg'
import { openDatabase, type Database } from '../../sinks/postgres/database.ts'
import { companionTable, tableDestination, type PostgresSetting } from '../../sinks/postgres/setting.ts'
import { tableExists, tablesOf, type JobTable, type JobTables } from '../../sinks/postgres/tables.ts'
import type { FedLine, Feed, LineAt } from './feed.ts'

const ROWS_AT_ONCE = 1_000

/** Columns of a table with lines: what orders them within a partition, and the line. */
interface LineColumns {
  readonly table: JobTable
  readonly position: string
  /** Orders lines of equal positions. */
  readonly ordinal: string
  readonly line: string
}

export interface TableFeedOptions {
  readonly part: 'results' | 'certificates' | 'deadLetters'
  readonly setting: PostgresSetting
  /** The results of the job, which name the other tables. */
  readonly results: PostgresSetting
  /** At the start, at most so many rows are read: those of the newest windows. Applies to results. */
  readonly maxRows: number
}

interface Row {
  readonly partition: number
  /** `bigint`, which pg returns as text. */
  readonly position: string
  readonly ordinal: number
  readonly line: string
}

export class TableFeed implements Feed {
  readonly #options: TableFeedOptions
  readonly #database: Database
  readonly #tables: JobTables
  readonly #columns: LineColumns
  /** The last position that was read, by partition. */
  readonly #read = new Map<number, number>()
  /** The markers as of the last reading; `null`: nothing was read yet. */
  #markers: Markers | null = null
  #done = 0
  #isTruncated = false

  constructor(options: TableFeedOptions) {
    const { part, setting, results } = options
    this.#options = options
    this.#database = openDatabase(setting, 'windrow page')
    const named = (name: typeof part, ending: string): PostgresSetting =>
      part === name ? setting : companionTable(results, ending)
    this.#tables = tablesOf(results, named('deadLetters', '_dead_letters'), named('certificates', '_certificates'))
    this.#columns = columnsOf(this.#tables, part)
  }

  /** How many rows there are is unknown until they have been read. */
  get progress(): Feed['progress'] {
    return { done: this.#done, total: this.#done }
  }

  get isTruncated(): boolean {
    return this.#isTruncated
  }

  sync(onLines: (lines: readonly FedLine[]) => void, signal: AbortSignal): Promise<'read' | 'restarted'> {
    return this.#database.transaction(this.#doing, async (client) => {
      const markers = await markersIn(client, this.#tables.published)
      const known = this.#markers
      if (known !== null && isVoid(known, markers)) {
        this.#markers = null
        this.#read.clear()
        this.#done = 0
        this.#isTruncated = false
        return 'restarted'
      }
      if (markers === null || (known !== null && isSame(known, markers))) return 'read'
      const isWhole = await this.#readNew(client, known === null, onLines, signal)
      // A reading that was interrupted continues after its last row.
      if (isWhole) this.#markers = markers
      return 'read'
    })
  }

  async read(
    places: readonly { readonly partition: number | null; readonly at: LineAt }[],
  ): Promise<(string | null)[]> {
    if (places.length === 0) return []
    const found = await this.#database.transaction(this.#doing, async (client) => {
      const { rows } = await client.query<{ readonly place: string; readonly line: string }>(
        `SELECT wanted.place, stored.line::text AS line
           FROM unnest($1::int[], $2::bigint[], $3::int[]) WITH ORDINALITY AS wanted (partition, position, ordinal, place)
           JOIN (${this.#lines()}) AS stored ON stored.partition = wanted.partition
            AND stored.position = wanted.position AND stored.ordinal = wanted.ordinal`,
        [
          places.map(({ partition }) => partition),
          places.map(({ at }) => at.position),
          places.map(({ at }) => at.length),
        ],
      )
      return new Map(rows.map(({ place, line }) => [Number(place), line]))
    })
    return places.map((_, index) => found.get(index + 1) ?? null)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  get #doing(): string {
    return `reading ${tableDestination(this.#options.setting)}`
  }

  /** All lines, also those of revisions that were replaced since they were read. */
  #lines(): string {
    const { table, position, ordinal, line } = this.#columns
    const of = (name: string): string =>
      `SELECT partition, ${position} AS position, ${ordinal} AS ordinal, ${line} AS line FROM ${name}`
    const { results, superseded } = this.#tables
    return table === results ? `${of(table.name)} UNION ALL ${of(superseded.name)}` : of(table.name)
  }

  /** Returns whether everything was read. */
  async #readNew(
    client: PoolClient,
    isFirst: boolean,
    onLines: (lines: readonly FedLine[]) => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { table, position, ordinal, line } = this.#columns
    if (!(await tableExists(client, table))) return true
    const conditions = [...this.#read].map(
      ([partition, last]) => `(partition = ${partition} AND ${position} <= ${last})`,
    )
    if (conditions.length > 0) conditions.splice(0, conditions.length, `NOT (${conditions.join(' OR ')})`)
    if (isFirst && this.#read.size === 0 && table === this.#tables.results) {
      const cut = await newestStart(client, table, this.#options.maxRows)
      this.#isTruncated = cut !== null
      if (cut !== null) conditions.push(`window_start > '${cut}'`)
    }
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    await client.query(`DECLARE lines NO SCROLL CURSOR FOR
      SELECT partition, ${position} AS position, ${ordinal} AS ordinal, ${line}::text AS line
        FROM ${table.name} ${where} ORDER BY partition, ${position}, ${ordinal}`)
    for (;;) {
      if (signal.aborted) return false
      const { rows } = await client.query<Row>(`FETCH ${ROWS_AT_ONCE} FROM lines`)
      onLines(rows.map(lineOf))
      this.#done += rows.length
      for (const one of rows) this.#read.set(one.partition, Number(one.position))
      if (rows.length < ROWS_AT_ONCE) return true
    }
  }
}

function columnsOf(tables: JobTables, part: TableFeedOptions['part']): LineColumns {
  const commit = { position: 'commit', ordinal: 'ordinal' }
  switch (part) {
    case 'results':
      return { table: tables.results, ...commit, line: 'result' }
    case 'deadLetters':
      return { table: tables.deadLetters, ...commit, line: 'letter' }
    case 'certificates':
      return { table: tables.certificates, position: 'sequence', ordinal: 'partition', line: 'certificate' }
  }
}

function lineOf({ partition, position, ordinal, line }: Row): FedLine {
  return { partition, at: { position: Number(position), length: ordinal }, line, publishedAtMs: null }
}

/** The last published commits by partition, and the identity of the table that has them. */
interface Markers {
  readonly table: string
  readonly commits: ReadonlyMap<number, number>
}

/** `null`: the job has published nothing yet. */
async function markersIn(client: PoolClient, published: JobTable): Promise<Markers | null> {
  if (!(await tableExists(client, published))) return null
  const { rows } = await client.query<{ readonly table: string; readonly partition: number; readonly commit: string }>(
    `SELECT tableoid::text AS table, partition, commit FROM ${published.name}`,
  )
  const [first] = rows
  if (first === undefined) return null
  return { table: first.table, commits: new Map(rows.map(({ partition, commit }) => [partition, Number(commit)])) }
}

/** Whether the tables were dropped, or written again from the beginning. */
function isVoid(before: Markers, now: Markers | null): boolean {
  if (now === null || now.table !== before.table) return true
  return [...before.commits].some(([partition, commit]) => (now.commits.get(partition) ?? 0) < commit)
}

function isSame(before: Markers, now: Markers): boolean {
  return (
    now.commits.size === before.commits.size &&
    [...now.commits].every(([at, commit]) => before.commits.get(at) === commit)
  )
}

/** The start of the newest window that is left out so that at most `maxRows` rows remain; `null`: there are not more. */
async function newestStart(client: PoolClient, { name }: JobTable, maxRows: number): Promise<string | null> {
  const { rows } = await client.query<{ readonly start: string }>(
    `SELECT window_start::text AS start FROM ${name} ORDER BY window_start DESC OFFSET ${maxRows} LIMIT 1`,
  )
  return rows[0]?.start ?? null
}
