# A Kafka broker from Maven Central, for findings that need one, with a reader for kafkajs. Source it after check.sh.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/maven.sh"

KAFKA_VERSION=4.1.0

fetch_kafka() {
  maven_jars "$1" "org.apache.kafka:kafka_2.13:$KAFKA_VERSION" org.slf4j:slf4j-simple:1.7.36
}

# start_broker [PROPERTY=VALUE...]: starts one broker with empty topics of one partition, and sets BROKER to host:port.
start_broker() {
  need node
  cached "kafka-$KAFKA_VERSION" fetch_kafka
  local jars=$CACHED port controller
  read -r port controller <<<"$(free_ports 2)"
  export BROKER=127.0.0.1:$port
  printf '%s\n' \
    process.roles=broker,controller node.id=1 "controller.quorum.voters=1@127.0.0.1:$controller" \
    "listeners=PLAINTEXT://$BROKER,CONTROLLER://127.0.0.1:$controller" "advertised.listeners=PLAINTEXT://$BROKER" \
    controller.listener.names=CONTROLLER inter.broker.listener.name=PLAINTEXT "log.dirs=$TEMP/kafka-data" \
    num.partitions=1 offsets.topic.num.partitions=1 offsets.topic.replication.factor=1 \
    transaction.state.log.num.partitions=1 transaction.state.log.replication.factor=1 transaction.state.log.min.isr=1 \
    group.initial.rebalance.delay.ms=0 "$@" >"$TEMP/server.properties"
  local java=(java -Xmx512m -cp "$jars/*")
  logged "${java[@]}" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$TEMP/server.properties"
  background broker "${java[@]}" kafka.Kafka "$TEMP/server.properties"
  wait_until 120 broker coordinators_ready "$port"
}

# Path of a module for kafkajs: the values that a new consumer receives, up to one that ends them.
READ_UNTIL=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/read-until.cjs
export READ_UNTIL

# coordinators_ready PORT: whether the broker coordinates groups and transactions. A new broker creates the topics for that at
# the first request and then answers for a second that it is not ready, which not every client retries.
coordinators_ready() {
  timeout 5 node -e '
    const short = (value) => Buffer.from([value >> 8, value & 255])
    const text = (value) => Buffer.concat([short(value.length), Buffer.from(value)])
    const INT_1 = Buffer.from([0, 0, 0, 1])
    const FIND_COORDINATOR = 10, DESCRIBE_GROUPS = 15, INIT_PRODUCER_ID = 22
    const requests = [
      [FIND_COORDINATOR, 0, text("ready"), 0],
      [FIND_COORDINATOR, 1, Buffer.concat([text("ready"), Buffer.from([1])]), 4],
      [DESCRIBE_GROUPS, 0, Buffer.concat([INT_1, text("ready")]), 4],
      [INIT_PRODUCER_ID, 0, Buffer.concat([text("ready"), Buffer.from([0, 0, 234, 96])]), 4],
    ]
    const socket = require("node:net").connect(Number(process.argv[1]), "127.0.0.1")
    let [answered, received] = [0, Buffer.alloc(0)]
    const send = () => {
      if (answered === requests.length) process.exit(0)
      const [key, version, body] = requests[answered]
      const header = Buffer.concat([short(key), short(version), Buffer.from([0, 0, 0, answered]), text("ready")])
      socket.write(Buffer.concat([Buffer.from([0, 0, 0, header.length + body.length]), header, body]))
    }
    socket.on("connect", send)
    socket.on("error", () => process.exit(1))
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes])
      if (received.length < 4 || received.length < 4 + received.readInt32BE()) return
      // The error code follows the correlation id, and for most answers four more bytes.
      if (received.readInt16BE(8 + requests[answered++][3]) !== 0) process.exit(1)
      received = Buffer.alloc(0)
      send()
    })' "$1"
}
