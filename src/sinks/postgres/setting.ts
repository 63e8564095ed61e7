/** What `--results postgres://…` names: a table of a database. */
import type { SinkSetting } from '../sink.ts'
import { columnsOf, type FigureColumn } from './figures.ts'

/**
 * - `disable`: no TLS.
 * - `require`: TLS, but any certificate is accepted.
 * - `verify-ca`: a trusted authority has signed the certificate.
 * - `verify-full`: and the certificate names the host.
 */
export const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

export interface PostgresSetting extends SinkSetting {
  readonly kind: 'postgres'
  /** A name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  /** `null`: PGUSER, or the user of this process. */
  readonly user: string | null
  readonly schema: string
  readonly table: string
  /** Figures that are columns of the table. Without any, there is one row per metric in `<table>_metrics`. */
  readonly columns: readonly FigureColumn[]
  readonly sslMode: SslMode
  /** Certificates of the authorities (PEM); `null`: those that Node.js trusts. */
  readonly caFile: string | null
  /** `null`: PGPASSWORD or the password file of PostgreSQL's own programs. */
  readonly passwordFile: string | null
}

export const POSTGRES_FORM = 'postgres://USER@HOST/DATABASE?table=TABLE'
const SCHEME = /^postgres(?:ql)?:/
/** Names that need no quotes, with room for the endings of companion tables within PostgreSQL's 63 bytes. */
const TABLE = /^(?:([a-z_][a-z0-9_]{0,62})\.)?([a-z_][a-z0-9_]{0,48})$/
const PARAMETERS = ['table', 'columns', 'sslmode', 'sslrootcert', 'passwordFile']
const LOCAL_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\/.*)$/
const DEFAULT_PORT = 5432
const DEFAULT_TABLE = 'vm_results'

interface Problem {
  readonly problem: string
}

/** Problems never show the text, since it may contain a password. */
export function parsePostgres(text: string): PostgresSetting | Problem | null {
  if (!SCHEME.test(text)) return null
  const url = text.includes('://') ? urlOf(text) : null
  if (url === null) return { problem: `the address of the database is not ${POSTGRES_FORM}` }
  if (url.password !== '') {
    const problem = 'the address of the database contains a password, which others can read there: '
    return { problem: `${problem}set PGPASSWORD, or name a file with passwordFile=PATH` }
  }
  const database = decodeURIComponent(url.pathname.slice(1))
  if (database === '' || database.includes('/')) return { problem: 'the address names no database' }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) return { problem: `${unknown}= is none of ${PARAMETERS.join(', ')}` }
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '') || 'localhost'
  const parameter = (name: string): string | null => url.searchParams.get(name)
  const [, schema = 'public', table] = TABLE.exec(parameter('table') ?? DEFAULT_TABLE) ?? []
  if (table === undefined)
    return { problem: 'the table is not a name of at most 49 small letters, digits and _, such as vm_results' }
  const given = parameter('sslmode') ?? (LOCAL_HOST.test(host) ? 'disable' : 'verify-full')
  const sslMode = SSL_MODES.find((mode) => mode === given)
  if (sslMode === undefined) return { problem: `sslmode=${given} is none of ${SSL_MODES.join(', ')}` }
  const columns = columnsOf(parameter('columns') ?? '')
  if ('problem' in columns) return columns
  return {
    ...{ kind: 'postgres', host, port: Number(url.port || DEFAULT_PORT), database },
    user: url.username === '' ? null : decodeURIComponent(url.username),
    ...{ schema, table, columns, sslMode },
    caFile: parameter('sslrootcert'),
    passwordFile: parameter('passwordFile'),
  }
}

function urlOf(text: string): URL | null {
  try {
    const url = new URL(text)
    // Throws if an escape is broken.
    for (const part of [url.hostname, url.pathname, url.username]) decodeURIComponent(part)
    return url
  } catch (error) {
    if (error instanceof TypeError || error instanceof URIError) return null
    throw error
  }
}

/** The setting if it names a table. */
export function tableSettingOf(setting: SinkSetting): PostgresSetting | null {
  return setting.kind === 'postgres' ? (setting as PostgresSetting) : null
}

/** A companion of the results: another table of the same database. */
export function companionTable(setting: PostgresSetting, ending: string): PostgresSetting {
  return { ...setting, table: `${setting.table}${ending}`, columns: [] }
}

export function databaseOf({ host, port, database }: PostgresSetting): string {
  return `${host}:${port}/${database}`
}

/** How the sink names a place in messages. */
export function tableDestination(setting: PostgresSetting): string {
  return `table ${setting.schema}.${setting.table} in ${databaseOf(setting)}`
}
