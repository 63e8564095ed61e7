/** Takes a sample of the memory and state of a processor and its servers. Reads /proc, so Linux only. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import type { Stack } from '../../src/dev/stack/index.ts'

export interface Held {
  /** Resident memory of the processor. */
  readonly memoryMib: number
  /** Files and connections that the processor has open. */
  readonly openFiles: number
  /** All keys in Redis: Windrow's ledgers and chunks, and Dapr's workflow state. */
  readonly storeKeys: number
  /** Number of transactional ids known to the broker, and of those with an open transaction. */
  readonly transactions: number
  readonly transactionsOpen: number
}

export interface Sample extends Held {
  readonly seconds: number
}

export async function takeSample(stack: Stack, pid: number, job: string): Promise<Held> {
  const [status, files, storeKeys, transactions] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
    keysIn(stack.description.ports.redis),
    transactionsOf(stack, job),
  ])
  const memoryMib = Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024)
  return { memoryMib, openFiles: files.length, storeKeys, ...transactions }
}

/** `DBSIZE`, in Redis' inline protocol. */
async function keysIn(port: number): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    socket.write('DBSIZE\r\n')
    const [data] = (await once(socket, 'data')) as [Buffer]
    return Number(data.toString().slice(1).trim())
  } finally {
    socket.destroy()
  }
}

/** Runs Kafka's own tool, which prints `TransactionalId Coordinator ProducerId TransactionState` lines. */
async function transactionsOf(stack: Stack, job: string): Promise<Pick<Held, 'transactions' | 'transactionsOpen'>> {
  const { tools, kafkaJars, addresses } = stack.description
  const tool = ['-cp', `${kafkaJars}/*`, 'org.apache.kafka.tools.TransactionsCommand']
  const { stdout } = await promisify(execFile)(tools.java.path, [
    ...[...tool, '--bootstrap-server', addresses.kafka, 'list'],
  ])
  const lines = stdout.split('\n').filter((line) => line.trim().startsWith(`${job}-`))
  return { transactions: lines.length, transactionsOpen: lines.filter((line) => line.includes('Ongoing')).length }
}
