/** The database of a run: a pool of connections, and transactions that end with their connection after an error. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import pg, { type PoolClient, type PoolConfig } from 'pg'
import { ConfigurationError, messageOf } from '../../errors/index.ts'
import { postgresError } from './errors.ts'
import type { PostgresSetting } from './setting.ts'

/** Partitions share the connections: publishing is short, and servers have about a hundred. */
const MAX_CONNECTIONS = 4
const CONNECT_TIMEOUT_MS = 10_000
/** A server that stops answering without closing the connection is given up after this time. */
const TRANSACTION_TIMEOUT_MS = 300_000

/**
 * Applied to each transaction. An acknowledged commit must survive a crash of the server, whatever its default is; a
 * stronger setting, such as `remote_apply`, is kept. The timeouts end what a frozen process has left open.
 */
const BEGIN = `BEGIN;
SET LOCAL lock_timeout = '30s';
SET LOCAL idle_in_transaction_session_timeout = '5min';
SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`

export interface Database {
  /** Runs `act` in a transaction. After an error the connection is closed, which rolls back. */
  transaction<T>(doing: string, act: (client: PoolClient) => Promise<T>): Promise<T>
  /** A connection for several statements, which the caller must release. */
  connect(doing: string): Promise<PoolClient>
  close(): Promise<void>
}

/** Connects when it is first used. Throws a ConfigurationError if a file of the setting cannot be read. */
export function openDatabase(setting: PostgresSetting, applicationName: string): Database {
  const pool = new pg.Pool(poolConfigOf(setting, applicationName))
  // A connection can end while no statement runs on it; the next statement on it reports that. Without listeners, Node.js
  // would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const connect = async (doing: string): Promise<PoolClient> => {
    try {
      return await pool.connect()
    } catch (error) {
      throw postgresError(error, doing)
    }
  }
  return {
    connect,
    async transaction(doing, act) {
      const client = await connect(doing)
      // Ends the connection, and with it the statement that runs on it.
      const timer = setTimeout(() => void (client as PoolClient & pg.Client).end(), TRANSACTION_TIMEOUT_MS)
      try {
        await client.query(BEGIN)
        const result = await act(client)
        await client.query('COMMIT')
        clearTimeout(timer)
        client.release()
        return result
      } catch (error) {
        clearTimeout(timer)
        client.release(true)
        throw postgresError(error, doing)
      }
    },
    close: () => pool.end(),
  }
}

function poolConfigOf(setting: PostgresSetting, applicationName: string): PoolConfig {
  const { host, port, database, user, passwordFile } = setting
  if (passwordFile !== null) passwordIn(readOrRefuse(passwordFile))
  return {
    ...{ host, port, database, ssl: tlsOf(setting), max: MAX_CONNECTIONS, application_name: applicationName },
    ...(user === null ? {} : { user }),
    // Read for each connection, since secrets are rotated.
    ...(passwordFile === null ? {} : { password: async () => passwordIn(await readFile(passwordFile, 'utf8')) }),
    ...{ connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true, allowExitOnIdle: true },
  }
}

function tlsOf({ sslMode, caFile }: PostgresSetting): PoolConfig['ssl'] {
  if (sslMode === 'disable') return false
  return {
    rejectUnauthorized: sslMode !== 'require',
    ...(caFile === null ? {} : { ca: readOrRefuse(caFile) }),
    ...(sslMode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** The first line is the password. */
function passwordIn(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}

function readOrRefuse(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const problem = `cannot read ${JSON.stringify(path)} (${messageOf(error)})`
    throw new ConfigurationError([{ place: '--results', problem, remedy: 'Give a readable file.' }])
  }
}
