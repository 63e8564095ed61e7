/**
 * Publishes the commits of one partition exactly once. One transaction contains the rows of a commit and its marker.
 *
 * - G1 Opening ends the transaction of every earlier publisher of the partition and raises the partition's epoch, before
 *   it reads the marker. An advisory lock, which each transaction holds, shows which connection to end.
 * - G2 A transaction writes only if the epoch is still its publisher's, so a fenced publisher adds nothing.
 * - G3 The marker is written in the transaction of the rows: both are committed, or neither.
 * - G4 A row replaces only a row of a lower revision, which is kept in `<table>_superseded`.
 */
import type { PoolClient } from 'pg'
import { WindrowError } from '../../errors/index.ts'
import type { AtomicPublisher, AtomicPublishers, OutboxBatch, PublishedMarker } from '../../ports/index.ts'
import { resultOfLine, type ResultOfLine } from '../figures.ts'
import { namesOf } from './columns.ts'
import type { Database } from './database.ts'
import { certificateRow, rowOfDeadLetter, metricRows, resultRow, type BatchPlace } from './rows.ts'
import { tableDestination } from './setting.ts'
import { createOrCheckTables, quoted, type JobTable, type JobTables } from './tables.ts'
import { columnList, insertRows, stageRows, type StagedRows } from './write.ts'

export interface PostgresPublisherOptions {
  readonly database: Database
  readonly tables: JobTables
  readonly job: string
  /** Batches with as many rows are copied. @default 500 */
  readonly copyFromRows?: number
  /** @internal Tests interrupt a transaction here, when all rows are written and before its commit. */
  readonly beforeCommit?: (client: PoolClient, batch: OutboxBatch) => Promise<void>
}

const DEFAULT_COPY_FROM_ROWS = 500
const FIRST_REVISION = 1

export interface PostgresPublishers extends AtomicPublishers {
  /** Creates or checks the tables; done only once. */
  prepare(): Promise<void>
}

export function createPostgresPublishers(options: PostgresPublisherOptions): PostgresPublishers {
  const { database, tables, job } = options
  let prepared: Promise<void> | null = null
  const prepare = (): Promise<void> => {
    const doing = `preparing ${tableDestination(tables.results.setting)}`
    prepared ??= database
      .transaction(doing, (client) => createOrCheckTables(client, tables))
      .catch((error: unknown) => {
        prepared = null
        throw error
      })
    return prepared
  }
  return {
    prepare,
    async open(partition) {
      await prepare()
      const doing = `opening the publisher of ${job}/${partition}`
      const { epoch, marker } = await database.transaction(doing, (client) => fence(client, options, partition))
      return new PostgresPublisher(options, partition, epoch, marker)
    },
  }
}

/** The advisory lock of a partition: the table's oid and the partition are its two halves. */
function lockKey({ published }: JobTables, partition: number): string {
  return `(('${published.name}'::regclass::oid::bigint << 32) | ${partition})`
}

interface PublishedRow {
  readonly job: string
  /** `bigint`, which pg returns as text. */
  readonly epoch: string
  readonly commit: string
  readonly digest: string
}

/** G1. */
async function fence(
  client: PoolClient,
  { tables, job }: PostgresPublisherOptions,
  partition: number,
): Promise<{ readonly epoch: string; readonly marker: PublishedMarker | null }> {
  const key = lockKey(tables, partition)
  const { rows: tried } = await client.query<{ free: boolean }>(`SELECT pg_try_advisory_xact_lock(${key}) AS free`)
  if (tried[0]?.free !== true) {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND classid = '${tables.published.name}'::regclass AND objid = ${partition}`,
    )
    await client.query(`SELECT pg_advisory_xact_lock(${key})`)
  }
  const { rows } = await client.query<PublishedRow>(
    `INSERT INTO ${tables.published.name} AS published (partition, job, epoch, commit, digest)
     VALUES ($1, $2, 1, 0, '')
     ON CONFLICT (partition) DO UPDATE SET epoch = published.epoch + 1
     RETURNING job, epoch, commit, digest`,
    [partition, job],
  )
  const [row] = rows
  if (row === undefined) throw new Error('an upsert without a condition returns its row')
  if (row.job !== job) {
    const destination = tableDestination(tables.results.setting)
    throw new WindrowError(`${destination} has the results of job ${row.job}, not of ${job}`, {
      code: 'RESULTS_OF_ANOTHER_JOB',
    })
  }
  const commit = Number(row.commit)
  return { epoch: row.epoch, marker: commit === 0 ? null : { commit, digest: row.digest } }
}

class PostgresPublisher implements AtomicPublisher {
  readonly marker: PublishedMarker | null
  readonly #options: PostgresPublisherOptions
  readonly #partition: number
  readonly #epoch: string
  #isBroken = false

  constructor(options: PostgresPublisherOptions, partition: number, epoch: string, marker: PublishedMarker | null) {
    this.#options = options
    this.#partition = partition
    this.#epoch = epoch
    this.marker = marker
  }

  async publish(batch: OutboxBatch): Promise<void> {
    const { database, job, beforeCommit } = this.#options
    const doing = `publishing commit ${batch.marker.commit} of ${job}/${this.#partition}`
    if (this.#isBroken) {
      throw new WindrowError(`${doing}: this publisher failed before`, { code: 'PUBLISHER_BROKEN' })
    }
    this.#isBroken = true
    await database.transaction(doing, async (client) => {
      await this.#assertNotFenced(client, doing)
      await this.#write(client, batch)
      await this.#writeMarker(client, batch.marker)
      await beforeCommit?.(client, batch)
    })
    this.#isBroken = false
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** G2. The row stays locked until the transaction ends, so the epoch cannot rise meanwhile. */
  async #assertNotFenced(client: PoolClient, doing: string): Promise<void> {
    const { tables } = this.#options
    await client.query(`SELECT pg_advisory_xact_lock(${lockKey(tables, this.#partition)})`)
    const { rows } = await client.query<{ epoch: string }>(
      `SELECT epoch FROM ${tables.published.name} WHERE partition = $1 FOR UPDATE`,
      [this.#partition],
    )
    if (rows[0]?.epoch === this.#epoch) return
    throw new WindrowError(`${doing}: another publisher has opened the partition`, { code: 'PUBLISHER_FENCED' })
  }

  /** G3. */
  async #writeMarker(client: PoolClient, { commit, digest }: PublishedMarker): Promise<void> {
    const { published } = this.#options.tables
    await client.query(`UPDATE ${published.name} SET commit = $2, digest = $3 WHERE partition = $1`, [
      ...[this.#partition, commit, digest],
    ])
  }

  async #write(client: PoolClient, batch: OutboxBatch): Promise<void> {
    const { tables, copyFromRows = DEFAULT_COPY_FROM_ROWS } = this.#options
    const place = { partition: this.#partition, commit: batch.marker.commit }
    await this.#writeResults(client, batch.results, place)
    const deadLetters = batch.deadLetters.map((line, index) => rowOfDeadLetter(line, index, place))
    await insertRows(client, tables.deadLetters, deadLetters, copyFromRows)
    await insertRows(client, tables.certificates, batch.certificates.map(certificateRow), copyFromRows)
  }

  async #writeResults(client: PoolClient, lines: readonly string[], place: BatchPlace): Promise<void> {
    if (lines.length === 0) return
    const { tables, copyFromRows = DEFAULT_COPY_FROM_ROWS } = this.#options
    const { results, metrics, superseded } = tables
    const parsed = lines.map(resultOfLine)
    const rows = lines.map((line, index) =>
      resultRow(line, parsed[index] as ResultOfLine, index, place, results.setting.columns),
    )
    const staged = await stageRows(client, results.definition, rows, copyFromRows)
    if (parsed.some(({ revision }) => revision > FIRST_REVISION)) {
      await client.query(keepReplaced(results, superseded, staged), [...staged.parameters])
      if (metrics !== null) await client.query(deleteReplaced(results, metrics, staged), [...staged.parameters])
    }
    const { rowCount } = await client.query(upsert(results, staged), [...staged.parameters])
    if (rowCount !== lines.length) throw holdsOthers(results, lines.length - (rowCount ?? 0), place)
    if (metrics === null) return
    const ofMetrics = parsed.flatMap((result) => metricRows(result, place.partition))
    await insertRows(client, metrics, ofMetrics, copyFromRows)
  }
}

function sameKey({ definition: { key } }: JobTable): string {
  return key.map((name) => `stored.${quoted(name)} = staged.${quoted(name)}`).join(' AND ')
}

/** G4: what the upsert below will replace. */
function keepReplaced(results: JobTable, superseded: JobTable, { from }: StagedRows): string {
  const columns = columnList(superseded.definition)
  const values = namesOf(superseded.definition).map((name) => `stored.${quoted(name)}`)
  return `INSERT INTO ${superseded.name} (${columns}) SELECT ${values.join(', ')} FROM ${results.name} AS stored
    JOIN ${from} ON ${sameKey(results)} WHERE stored.revision < staged.revision`
}

/** A later revision can lack a metric that an earlier one had, so its rows are written again. */
function deleteReplaced(results: JobTable, metrics: JobTable, { from }: StagedRows): string {
  return `DELETE FROM ${metrics.name} AS stored USING ${from}
    WHERE ${sameKey(results)} AND stored.revision < staged.revision`
}

/** G4. */
function upsert({ name, definition }: JobTable, { from }: StagedRows): string {
  const columns = columnList(definition)
  const others = namesOf(definition).filter((column) => !definition.key.includes(column))
  return `INSERT INTO ${name} AS stored (${columns}) SELECT ${columns} FROM ${from}
    ON CONFLICT (${definition.key.map(quoted).join(', ')}) DO UPDATE
    SET ${others.map((column) => `${quoted(column)} = EXCLUDED.${quoted(column)}`).join(', ')}
    WHERE stored.revision < EXCLUDED.revision`
}

function holdsOthers(results: JobTable, count: number, { partition, commit }: BatchPlace): WindrowError {
  const where = `${tableDestination(results.setting)} already has ${count} of the VM windows of commit ${commit}`
  return new WindrowError(`${where} of partition ${partition} in the same or a later revision`, {
    code: 'RESULTS_TABLE_AHEAD',
  })
}
