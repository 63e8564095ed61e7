#!/usr/bin/env bash
# @dapr/dapr 3.18.0 with Dapr 1.18.2: texts are saved in a state store and read back, over HTTP and over gRPC.
#
# Guess: the same texts come back; the protocol is a matter of speed.
# True:  over HTTP they do. Over gRPC a text that is also valid JSON comes back as what it says: an id of 16 digits as a
#        number that has been rounded, "1.0" as 1, "null" as null. Texts such as "007" and "A-1" remain as they are, so it
#        depends on the value what type a key has.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/daprd.sh"

npm_install @dapr/dapr@3.18.0
start_daprd
cat >texts.cjs <<'EOF'
const { CommunicationProtocolEnum, DaprClient } = require('@dapr/dapr')
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => undefined
const texts = ['A-1', '007', '1.0', '9007199254740993', 'null']

async function main() {
  for (const [name, daprPort] of [
    ['HTTP', process.env.DAPR_HTTP_PORT],
    ['GRPC', process.env.DAPR_GRPC_PORT],
  ]) {
    const communicationProtocol = CommunicationProtocolEnum[name]
    const client = new DaprClient({ daprHost: '127.0.0.1', daprPort, communicationProtocol })
    const read = []
    for (const value of texts) {
      const { error } = await client.state.save('state', [{ key: name, value }])
      if (error) throw error
      read.push(JSON.stringify(await client.state.get('state', name)))
    }
    process.stdout.write(`${name}: ${read.join(' ')}\n`)
    await client.stop()
  }
}
main().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1) })
EOF
expect node texts.cjs <<'EOF'
HTTP: "A-1" "007" "1.0" "9007199254740993" "null"
GRPC: "A-1" "007" 1 9007199254740992 null
EOF
holds 'over gRPC, state that was saved as a text of digits is read as a rounded number'
