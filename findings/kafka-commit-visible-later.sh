#!/usr/bin/env bash
# Kafka 4.1.0 with kafkajs 2.2.4: a transaction commits, and right after that a read_committed reader looks up where the
# partition ends for it.
#
# Guess: what was committed can be read as soon as commit has returned, as with a database. At least on one broker, where
#        nothing has to be replicated.
# True:  the coordinator answers the commit when it has decided, and writes the markers into the partitions afterwards. Until
#        then the partition still ends before the transaction, so a job that publishes and then reads back what it has
#        published finds nothing, and gets no error. This happens at one commit in two on a busy machine.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/broker.sh"

npm_install kafkajs@2.2.4
start_broker
cat >visible.cjs <<'EOF'
const { Kafka, logLevel } = require('kafkajs')
const kafka = new Kafka({ brokers: [process.env.BROKER], logLevel: logLevel.NOTHING })
const topic = 'results'
const COMMITS = 100

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  const producer = kafka.producer({ transactionalId: 'results', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  /** The last stable offset: kafkajs asks for the end with the isolation level read_committed. */
  const end = async () => Number((await admin.fetchTopicOffsets(topic))[0].high)

  let before = 0
  let invisible = 0
  let others = 0
  for (let i = 0; i < COMMITS; i++) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'result' }] })
    await transaction.commit()
    const after = await end()
    // A transaction takes two offsets: the record and the marker.
    if (after === before) invisible++
    else if (after !== before + 2) others++
    while ((await end()) < before + 2);
    before += 2
  }
  console.log(`commits: ${COMMITS}`)
  console.log(`whose record could not be read when commit had returned: ${invisible === 0 ? 'none' : 'some'}`)
  console.log(`partly readable: ${others}`)
  for (const client of [producer, admin]) await client.disconnect()
}
main().catch((error) => { console.error(error); process.exit(1) })
EOF
expect node visible.cjs <<'EOF'
commits: 100
whose record could not be read when commit had returned: some
partly readable: 0
EOF
holds 'a commit returns before a read_committed reader can read what was committed'
