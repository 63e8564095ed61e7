/** The stack's PostgreSQL without the rest of the stack, for the tests of one file. */
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { openStack, type Stack } from '../../src/dev/stack/index.ts'
import { cacheFolder } from '../../src/dev/stack/cache.ts'
import { describeStack, writeStack } from '../../src/dev/stack/description.ts'
import { providePrograms } from '../../src/dev/stack/programs.ts'
import { newStackDir, removeStack } from './stack-folder.ts'
import { freePortBase } from './stacks.ts'

export interface PostgresServer {
  readonly stack: Stack
  /** The setting of a sink, with a table or further parameters. */
  readonly url: (parameters: string) => string
  /** Runs statements on a connection of its own. */
  readonly query: <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>
  /** Ends the server at once, and starts it again. */
  readonly crash: () => Promise<void>
}

export function postgresServer(): () => PostgresServer {
  let dataDir: string
  let server: PostgresServer | undefined
  beforeAll(async () => {
    dataDir = await newStackDir()
    const folders = { cacheDir: cacheFolder(process.env, homedir()), logDir: join(dataDir, 'logs') }
    const needs = { prometheus: false, grafana: false }
    const programs = await providePrograms({ ...folders, path: process.env['PATH'] ?? '' }, needs, () => undefined)
    await mkdir(join(dataDir, 'pids'))
    await writeStack(describeStack({ dataDir, portBase: await freePortBase(), state: 'postgres' }, programs))
    const stack = await openStack(dataDir)
    await stack.start('postgres')
    const address = `127.0.0.1:${stack.description.ports.postgres}/windrow`
    server = {
      stack,
      url: (parameters) => `postgres://windrow@${address}?${parameters}`,
      async query<Row extends pg.QueryResultRow>(text: string) {
        const client = new pg.Client({ connectionString: `postgres://windrow@${address}` })
        await client.connect()
        try {
          return (await client.query<Row>(text)).rows
        } finally {
          await client.end()
        }
      },
      async crash() {
        await stack.kill('postgres')
        await stack.start('postgres')
      },
    }
  })
  afterAll(() => removeStack(dataDir))
  return () => {
    if (server === undefined) throw new Error('PostgreSQL is not up yet')
    return server
  }
}
