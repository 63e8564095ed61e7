/**
 * A producer in TypeScript: sends this machine's load to a Kafka topic, at a fixed interval, and announces every window.
 *
 * The seq of a point is its time divided by the interval, so nothing has to be stored: a restart continues with the
 * right number, and the time in which the producer was down shows up as missing seqs. The number of points per window
 * is known in advance for the same reason. Without BROKERS, the records are printed as lines for
 * `windrow run --input -`.
 */
import { Kafka } from 'kafkajs'
import { hostname, loadavg } from 'node:os'
import { setTimeout } from 'node:timers/promises'

const { BROKERS, TOPIC = 'vm', VM_ID = hostname() } = process.env
const everyMs = Number(process.env['EVERY_MS'] ?? 10_000)
const windowMs = Number(process.env['WINDOW_MS'] ?? 3_600_000)
const samples = Number(process.env['SAMPLES'] ?? Infinity)

const { send, end } = BROKERS === undefined ? printing() : await connect(BROKERS.split(','))
const first = Math.ceil(Date.now() / everyMs)
for (let seq = first; seq < first + samples; seq++) {
  const timestamp = seq * everyMs
  await setTimeout(Math.max(0, timestamp - Date.now()))
  await send({ vmId: VM_ID, metric: 'load', timestamp, seq, value: loadavg()[0] })
  const windowStart = timestamp + everyMs - windowMs
  // The last point of its window: announce how many points the window holds.
  if (windowStart % windowMs === 0) {
    await send({ manifest: { vmId: VM_ID, windowStart, firstSeq: windowStart / everyMs, count: windowMs / everyMs } })
  }
}
await end()

interface Output {
  readonly send: (record: object) => Promise<void>
  readonly end: () => Promise<void>
}

function printing(): Output {
  return { send: async (record) => console.log(JSON.stringify(record)), end: async () => {} }
}

async function connect(brokers: string[]): Promise<Output> {
  const producer = new Kafka({ clientId: 'load', brokers }).producer({ idempotent: true })
  await producer.connect()
  return {
    // The VM is the key, so that all records of a VM are in one partition, in order.
    send: async (record) => {
      await producer.send({ topic: TOPIC, messages: [{ key: VM_ID, value: JSON.stringify(record) }] })
    },
    end: () => producer.disconnect(),
  }
}
