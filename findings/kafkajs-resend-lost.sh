#!/usr/bin/env bash
# kafkajs 2.2.4 with Kafka 4.1.0: a transactional producer loses the connection before the answers to its produce requests
# arrive. The application aborts the transaction, as it should, and sends the record again in a new one, which commits.
#
# Guess: the record is stored once. Only the aborted one is invisible.
# True:  the record is not stored, although send and commit resolve. After a failed send kafkajs takes back its sequence
#        number, but the broker has appended the batch. The new batch has the same number, so the broker confirms it as a
#        duplicate of the aborted one and appends nothing.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/broker.sh"

npm_install kafkajs@2.2.4
start_broker
cat >resend.cjs <<'EOF'
const net = require('node:net')
const { Kafka, logLevel } = require('kafkajs')
const { readUntil } = require(process.env.READ_UNTIL)
const PRODUCE = 0
const topic = 'orders'

/** Connections that break at the answer to a produce request while `losesAnswers`. */
let losesAnswers = false
function socketFactory({ host, port, onConnect }) {
  const socket = net.connect({ host, port }, onConnect)
  const { write, emit } = socket
  let lastRequest
  socket.write = (bytes, ...rest) => {
    lastRequest = Buffer.from(bytes, 'binary').readInt16BE(4)
    return write.call(socket, bytes, ...rest)
  }
  socket.emit = (event, ...rest) => {
    const isLost = event === 'data' && losesAnswers && lastRequest === PRODUCE
    if (isLost) socket.destroy(new Error('the connection broke'))
    return isLost || emit.call(socket, event, ...rest)
  }
  return socket
}

const kafka = new Kafka({ brokers: [process.env.BROKER], logLevel: logLevel.NOTHING, socketFactory })

async function publish(producer, value) {
  const transaction = await producer.transaction()
  try {
    await transaction.send({ topic, messages: [{ value }] })
    await transaction.commit()
    console.log(`${value}: committed`)
  } catch (error) {
    losesAnswers = false
    await transaction.abort()
    console.log(`${value}: aborted, since send failed: ${error.message}`)
  }
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  const retry = { retries: 2, initialRetryTime: 50 }
  const producer = kafka.producer({ transactionalId: 'orders', idempotent: true, maxInFlightRequests: 1, retry })
  await producer.connect()
  await publish(producer, 'order 1')
  losesAnswers = true
  await publish(producer, 'order 2')
  await publish(producer, 'order 2, sent again')
  await publish(producer, 'order 3')
  console.log(`read_committed: ${(await readUntil(kafka, topic, 'order 3')).join(' | ')}`)
  for (const client of [producer, admin]) await client.disconnect()
}
main().catch((error) => { console.error(error); process.exit(1) })
EOF
expect node resend.cjs <<'EOF'
order 1: committed
order 2: aborted, since send failed: Connection error: the connection broke
order 2, sent again: committed
order 3: committed
read_committed: order 1 | order 3
EOF
holds 'kafkajs confirms a record that is sent again after an abort, and the record is not stored'
