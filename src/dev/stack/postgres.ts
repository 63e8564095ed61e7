/**
 * PostgreSQL with one database and one user, both `windrow`, and without passwords: it listens on the loopback only. It
 * refuses to run as root, so root runs it as the user `postgres`.
 */
import { execFile } from 'node:child_process'
import { chown, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { WindrowError } from '../../errors/index.ts'
import { exists } from '../../adapters/files/exists.ts'
import type { StackDescription } from './description.ts'
import { CHECK_TIMEOUT_MS, notUsable } from './service.ts'
import type { Service } from './service.ts'
import { HOST } from './ports.ts'
import { runToEnd } from './process.ts'
import { postgresProgram } from './tools.ts'

const run = promisify(execFile)

export function postgresService(stack: StackDescription): Service {
  const folder = join(stack.dataDir, 'postgres')
  const { postgres, postgresUser: user } = stack.tools
  const port = stack.ports.postgres
  return {
    name: 'postgres',
    version: postgres.version,
    doing: 'creates its database if there is none, starts',
    ports: [port],
    // "Fast shutdown" ends all client sessions; SIGTERM would wait until every client has disconnected.
    stopSignal: 'SIGINT',
    folders: [folder, unfinished(folder)],
    prepare: (logFile) => createDatabase(stack, folder, logFile),
    command: async () => ({
      program: await postgresProgram(postgres, 'postgres'),
      // No socket file: its folder would have to be one that this user may write to.
      args: ['-D', folder, '-p', String(port), '-c', `listen_addresses=${HOST}`, '-c', 'unix_socket_directories='],
      cwd: folder,
      user,
    }),
    check: async () => {
      const psql = await postgresProgram(postgres, 'psql')
      const args = ['-h', HOST, '-p', String(port), '-U', 'windrow', '-d', 'windrow', '-w', '-X', '-A', '-t']
      const { stdout } = await run(psql, [...args, '-c', 'SELECT 1'], { timeout: CHECK_TIMEOUT_MS })
      if (stdout.trim() !== '1') throw notUsable(`SELECT 1 answers ${stdout.trim()}`)
    },
  }
}

function unfinished(folder: string): string {
  return `${folder}.new`
}

/** Creates the database under another name and renames it, so that a database in `folder` is always complete. */
async function createDatabase(stack: StackDescription, folder: string, logFile: string): Promise<void> {
  const { postgres, postgresUser: user } = stack.tools
  if (user !== null) await requireWayFor(stack)
  if (await exists(folder)) return
  const target = unfinished(folder)
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { mode: 0o700 })
  if (user !== null) await chown(target, user.uid, user.gid)
  const initdb = await postgresProgram(postgres, 'initdb')
  const args = ['-D', target, '--username', 'windrow', '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C']
  await runToEnd({ program: initdb, args, cwd: target, user }, logFile)
  const server = await postgresProgram(postgres, 'postgres')
  const input = 'CREATE DATABASE windrow\n'
  await runToEnd({ program: server, args: ['--single', '-D', target, 'postgres'], cwd: target, user, input }, logFile)
  await rename(target, folder)
}

/** Throws unless the user that PostgreSQL runs as may enter the data folder. */
async function requireWayFor(stack: StackDescription): Promise<void> {
  const user = stack.tools.postgresUser
  try {
    await run('test', ['-x', stack.dataDir], { cwd: '/', ...user })
  } catch (cause) {
    throw new WindrowError(`The user postgres may not enter ${stack.dataDir}, or a folder above it`, {
      code: 'STACK_DATA_DIR_CLOSED',
      cause,
    })
  }
}
