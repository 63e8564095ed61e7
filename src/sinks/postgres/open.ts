/** Opens the PostgreSQL sink for a run, and for reading what a run has published. */
import { ConfigurationError } from '../../errors/index.ts'
import type { Sink } from '../../ports/index.ts'
import { isRetryable } from '../../retry/retry.ts'
import type { PublishedReader, SinkOutputs } from '../sink.ts'
import { openDatabase } from './database.ts'
import { createPostgresPublishers } from './publisher.ts'
import { openPostgresReader } from './reader.ts'
import { tableDestination, type PostgresSetting } from './setting.ts'
import { isSameDatabase, tablesOf, type JobTables } from './tables.ts'

/** Creates the tables, or checks them, if the database can be reached; otherwise the first publisher does so. */
export async function openPostgresSink(outputs: SinkOutputs<PostgresSetting>, job: string): Promise<Sink> {
  const tables = tablesFor(outputs)
  const database = openDatabase(outputs.results, `windrow ${job}`)
  const publishers = createPostgresPublishers({ database, tables, job })
  try {
    await publishers.prepare()
  } catch (error) {
    if (!isRetryable(error)) {
      await database.close()
      throw error
    }
    // The pipeline retries and reports it when it opens a publisher.
  }
  return {
    destination: tableDestination(outputs.results),
    delivery: 'exactly-once',
    publishers,
    close: () => database.close(),
  }
}

export async function openReaderOfTables(outputs: SinkOutputs<PostgresSetting>): Promise<PublishedReader> {
  const tables = tablesFor(outputs)
  return openPostgresReader(openDatabase(outputs.results, 'windrow reader'), tables)
}

function tablesFor({ results, deadLetters, certificates }: SinkOutputs<PostgresSetting>): JobTables {
  if (deadLetters === undefined || certificates === undefined)
    throw new Error('the PostgreSQL sink defines its companions')
  const places = [
    ['--dead-letters', deadLetters],
    ['--certificates', certificates],
  ] as const
  const problems = places
    .filter(([, setting]) => !isSameDatabase(setting, results))
    .map(([place, setting]) => ({
      place,
      problem: `${tableDestination(setting)} is in another database than ${tableDestination(results)}`,
      remedy: 'Name a table of the same database, since a commit is one transaction.',
    }))
  if (problems.length > 0) throw new ConfigurationError(problems)
  return tablesOf(results, deadLetters, certificates)
}
