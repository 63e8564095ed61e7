/**
 * The transactions of the PostgreSQL sink, on a database that records statements: which belong together, and which depend on
 * the epoch. test/stack/postgres-sink.test.ts has the same sink on a real server.
 */
import type { PoolClient } from 'pg'
import { expect, it } from 'vitest'
import type { Database } from '../../../src/sinks/postgres/database.ts'
import { createPostgresPublishers } from '../../../src/sinks/postgres/publisher.ts'
import { companionTable, parsePostgres, type PostgresSetting } from '../../../src/sinks/postgres/setting.ts'
import { tablesOf } from '../../../src/sinks/postgres/tables.ts'
import { batchOf, resultOf } from '../batches.ts'

interface Statement {
  readonly transaction: number
  readonly text: string
}

/** Answers as a server would whose tables do not exist yet. The epoch of the row of markers can be raised by a test. */
class RecordingDatabase implements Database {
  readonly statements: Statement[] = []
  epoch = 0
  #transactions = 0

  async transaction<T>(_: string, act: (client: PoolClient) => Promise<T>): Promise<T> {
    const transaction = ++this.#transactions
    const query = (text: string, values: readonly unknown[] = []) => {
      this.statements.push({ transaction, text })
      return Promise.resolve(this.#answer(text, values))
    }
    return act({ query } as unknown as PoolClient)
  }

  connect(): Promise<PoolClient> {
    throw new Error('publishers use transactions only')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #answer(text: string, values: readonly unknown[]): { readonly rows: readonly object[]; readonly rowCount: number } {
    const rows = (...all: object[]) => ({ rows: all, rowCount: all.length })
    if (text.includes('AS found')) return rows({ found: false })
    if (text.includes('pg_try_advisory')) return rows({ free: true })
    if (text.includes('epoch + 1')) return rows({ job: 'test', epoch: String(++this.epoch), commit: '0', digest: '' })
    if (text.startsWith('SELECT epoch')) return rows({ epoch: String(this.epoch) })
    return { rows: [], rowCount: Array.isArray(values[0]) ? values[0].length : 0 }
  }
}

function open(): { database: RecordingDatabase; publishers: ReturnType<typeof createPostgresPublishers> } {
  const results = parsePostgres('postgres://localhost/m?table=results') as PostgresSetting
  const database = new RecordingDatabase()
  const companions = ['_dead_letters', '_certificates'].map((ending) => companionTable(results, ending))
  const tables = tablesOf(results, companions[0] as PostgresSetting, companions[1] as PostgresSetting)
  return { database, publishers: createPostgresPublishers({ database, tables, job: 'test' }) }
}

const batch = batchOf(1, [resultOf('web-1', 0, 2, 1)], 1)

it('the marker of a commit is written in the transaction of its rows', async () => {
  const { database, publishers } = open()
  const publisher = await publishers.open(0)
  await publisher.publish(batch)
  const writes = database.statements.filter(({ text }) => /^(?:INSERT|UPDATE|DELETE)/.test(text))
  const marker = writes.find(({ text }) => text.startsWith('UPDATE "public"."results_published"'))
  const rows = ['results', 'results_metrics', 'results_superseded', 'results_dead_letters', 'results_certificates']
  expect(marker).toBeDefined()
  for (const table of rows) {
    const write = writes.find(({ text }) => text.startsWith(`INSERT INTO "public"."${table}" `))
    expect(write?.transaction, table).toBe(marker?.transaction)
  }
})

it('a publisher writes nothing after another one has raised the epoch', async () => {
  const { database, publishers } = open()
  const earlier = await publishers.open(0)
  await publishers.open(0)
  const before = database.statements.length
  await expect(earlier.publish(batch)).rejects.toMatchObject({ code: 'PUBLISHER_FENCED' })
  const after = database.statements.slice(before).map(({ text }) => text)
  expect(after.filter((text) => !text.startsWith('SELECT'))).toEqual([])
})

it('a row replaces only a row of a lower revision', async () => {
  const { database, publishers } = open()
  await (await publishers.open(0)).publish(batch)
  const upserts = database.statements.filter(({ text }) => text.includes('ON CONFLICT ("vm_id"'))
  expect(upserts).toHaveLength(1)
  expect(upserts[0]?.text).toMatch(/DO UPDATE[^]*WHERE stored\.revision < EXCLUDED\.revision$/)
})
