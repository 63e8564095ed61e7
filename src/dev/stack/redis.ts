/** Redis as a durable store: every write is appended to a file and synced before the reply. */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { StackDescription } from './description.ts'
import { CHECK_TIMEOUT_MS, notUsable } from './service.ts'
import type { Service } from './service.ts'
import { HOST } from './ports.ts'

export function redisService(stack: StackDescription): Service {
  const folder = join(stack.dataDir, 'redis')
  const port = stack.ports.redis
  return {
    name: 'redis',
    version: stack.tools.redis.version,
    doing: 'starts, syncing every write',
    ports: [port],
    stopSignal: 'SIGTERM',
    folders: [folder],
    prepare: async () => void (await mkdir(folder, { recursive: true })),
    command: async () => ({
      program: stack.tools.redis.path,
      args: [
        ...['--bind', HOST, '--port', String(port), '--dir', folder, '--daemonize', 'no'],
        // No snapshots beside the append-only file: they would be a second, older truth.
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      ],
      cwd: folder,
    }),
    check: async () => {
      const answer = await ping(port)
      // While it reads its file it answers -LOADING.
      if (answer !== '+PONG') throw notUsable(`redis answers ${answer}`)
    },
  }
}

/** The first line of the answer to PING, in Redis' inline protocol. */
async function ping(port: number): Promise<string> {
  const socket = connect({ host: HOST, port })
  try {
    const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS)
    await once(socket, 'connect', { signal })
    socket.write('PING\r\n')
    const [data] = (await once(socket, 'data', { signal })) as [Buffer]
    return data.toString().split('\r\n')[0] as string
  } finally {
    socket.destroy()
  }
}
