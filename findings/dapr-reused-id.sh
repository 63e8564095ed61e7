#!/usr/bin/env bash
# Dapr 1.18.2 with @dapr/dapr 3.18.0: a workflow is terminated while its activity runs. A new workflow is scheduled with the
# same id and another input, and calls its own activity.
#
# Guess: the id is refused; or the new workflow starts and gets the result of its own activity. A result of the terminated
#        one is dropped, since the runtime can distinguish the two executions.
# True:  the id is accepted. The activity of the terminated workflow then completes, and its result becomes the result of the
#        new workflow's activity: results are assigned by the id of the workflow and the number of the task only.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/daprd.sh"

npm_install @dapr/dapr@3.18.0
start_daprd
cat >reused.cjs <<'EOF'
const { DaprWorkflowClient, WorkflowRuntime, WorkflowRuntimeStatus } = require('@dapr/dapr')
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => undefined
const print = (line) => process.stdout.write(`${line}\n`)
const sidecar = { daprHost: '127.0.0.1', daprPort: process.env.DAPR_GRPC_PORT }

/** Calls of the activity that wait for `answer`. */
const calls = []
let onCall
const nextCall = () => new Promise((resolve) => (onCall = resolve))

function price(context, city) {
  return new Promise((resolve) => {
    calls.push({ answer: () => resolve(`price of a room in ${city}`) })
    onCall()
  })
}

async function* quote(context, city) {
  return `${city}: ${yield context.callActivity(price, city)}`
}

async function main() {
  const runtime = new WorkflowRuntime(sidecar).registerWorkflow(quote).registerActivity(price)
  await runtime.start()
  const client = new DaprWorkflowClient(sidecar)

  let called = nextCall()
  await client.scheduleNewWorkflow(quote, 'Oslo', 'trip')
  await called
  await client.terminateWorkflow('trip', null)
  const first = await client.waitForWorkflowCompletion('trip', true, 60)
  print(`trip to Oslo: ${WorkflowRuntimeStatus[first.runtimeStatus]}`)

  called = nextCall()
  await client.scheduleNewWorkflow(quote, 'Rome', 'trip')
  await called
  const [ofOslo, ofRome] = calls
  ofOslo.answer()
  const second = await client.waitForWorkflowCompletion('trip', true, 60)
  print(`trip to Rome: ${WorkflowRuntimeStatus[second.runtimeStatus]} with ${second.serializedOutput}`)

  ofRome.answer()
  await runtime.stop()
  await client.stop()
}
main().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1) })
EOF
expect node reused.cjs <<'EOF'
trip to Oslo: TERMINATED
trip to Rome: COMPLETED with "Rome: price of a room in Oslo"
EOF
holds 'a new workflow with the id of a terminated one receives the result of an activity of the terminated one'
