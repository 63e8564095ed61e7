#!/usr/bin/env bash
# kafkajs 2.2.4 with Kafka 4.1.0: what a read_committed consumer receives after two overlapping transactions were aborted.
#
# Guess: nothing. Filtering by the list of aborted transactions in the fetch response is standard, and kafkajs does it.
# True:  the broker lists aborted transactions in the order in which they ended. kafkajs takes the list to be in the order
#        in which they began, so it skips the transaction that began first only after the entry before it was used.
#        The aborted record of that transaction is handed over as if it had been committed.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/broker.sh"

npm_install kafkajs@2.2.4
start_broker
cat >overlapping.cjs <<'EOF'
const { Kafka, logLevel } = require('kafkajs')
const { readUntil } = require(process.env.READ_UNTIL)
const kafka = new Kafka({ brokers: [process.env.BROKER], logLevel: logLevel.NOTHING })

async function producerOf(transactionalId) {
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  return producer
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  const [first, second, plain] = [await producerOf('first'), await producerOf('second'), kafka.producer()]
  await plain.connect()
  for (const [topic, endsFirst] of [['in-order', 'first'], ['crossed', 'second']]) {
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
    const begun = { first: await first.transaction(), second: await second.transaction() }
    await begun.first.send({ topic, messages: [{ value: 'aborted, began first' }] })
    await begun.second.send({ topic, messages: [{ value: 'aborted, began second' }] })
    await begun[endsFirst].abort()
    await begun[endsFirst === 'first' ? 'second' : 'first'].abort()
    await plain.send({ topic, messages: [{ value: 'end' }] })
    console.log(`${topic}: the first to begin ended ${endsFirst === 'first' ? 'first' : 'last'}`)
    console.log(`  read_committed receives: ${(await readUntil(kafka, topic, 'end')).join(', ')}`)
  }
  for (const client of [first, second, plain, admin]) await client.disconnect()
}
main().catch((error) => { console.error(error); process.exit(1) })
EOF
expect node overlapping.cjs <<'EOF'
in-order: the first to begin ended first
  read_committed receives: end
crossed: the first to begin ended last
  read_committed receives: aborted, began first, end
EOF
holds 'kafkajs hands over records of an aborted transaction if another one that began later ended earlier'
