/** The patches of kafkajs that need no Kafka broker to be seen at work. */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { repairKafkajs } from '../../../src/adapters/kafka/repairs.ts'

interface Connection {
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
}

const require = createRequire(import.meta.url)

/** A server with the connections that it accepted, and a kafkajs connection to it that is not open yet. */
async function connectionTo(): Promise<{
  readonly connection: Connection
  readonly acceptedCount: () => Promise<number>
}> {
  repairKafkajs()
  const accepted: Socket[] = []
  const server = createServer((socket) => accepted.push(socket.resume()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const KafkaConnection = require('kafkajs/src/network/connection') as new (options: unknown) => Connection
  const socketFactory = require('kafkajs/src/network/socketFactory') as () => unknown
  const quiet = { debug: () => undefined, error: () => undefined }
  const options = { host: '127.0.0.1', port, connectionTimeout: 5_000, requestTimeout: 5_000 }
  const logger = { ...quiet, namespace: () => quiet }
  return {
    connection: new KafkaConnection({ ...options, logger, socketFactory: socketFactory() }),
    /** The number of accepted connections. Connections are accepted in their order, so a last one shows that all were. */
    async acceptedCount() {
      const last = connect(port, '127.0.0.1')
      await once(last, 'connect')
      while (!accepted.some(({ remotePort }) => remotePort === last.localPort)) await once(server, 'connection')
      last.end()
      return accepted.length - 1
    },
  }
}

test('requests that connect at the same time share one socket', async () => {
  const { connection, acceptedCount } = await connectionTo()
  await Promise.all([connection.connect(), connection.connect(), connection.connect()])
  expect(await acceptedCount()).toBe(1)
  await connection.disconnect()
})

test('a connection can be opened again after it was closed', async () => {
  const { connection, acceptedCount } = await connectionTo()
  await connection.connect()
  await connection.disconnect()
  await connection.connect()
  expect(await acceptedCount()).toBe(2)
  await connection.disconnect()
})
