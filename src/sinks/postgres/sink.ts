/**
 * The PostgreSQL sink, `--results postgres://…`: one row per VM window; certificates and dead letters in tables beside.
 *
 *   setting.ts    parses the address              publisher.ts  publishes the commits of one partition
 *   columns.ts    the tables, as data             rows.ts       the rows of a commit; figures.ts: of its metrics
 *   tables.ts     creates or checks them          write.ts      writes rows, by arrays or COPY
 *   database.ts   connections and transactions    reader.ts     reads what is published
 *   errors.ts     maps errors of the server       open.ts       opens the sink for a run, and for reading
 */
import type { SinkDefinition } from '../sink.ts'
import { companionTable, parsePostgres, POSTGRES_FORM, tableDestination, type PostgresSetting } from './setting.ts'

export const postgresSink: SinkDefinition<PostgresSetting> = {
  kind: 'postgres',
  form: POSTGRES_FORM,
  expects: `a database and a table, as in ${POSTGRES_FORM}`,
  guarantee: 'Exactly once: a commit and its marker are one transaction, and a row has the newest revision.',
  parse: parsePostgres,
  destination: tableDestination,
  companions: (setting) => ({
    deadLetters: companionTable(setting, '_dead_letters'),
    certificates: companionTable(setting, '_certificates'),
  }),
  open: async (outputs, { job }) => (await import('./open.ts')).openPostgresSink(outputs, job),
  openReader: async (outputs) => (await import('./open.ts')).openReaderOfTables(outputs),
}
