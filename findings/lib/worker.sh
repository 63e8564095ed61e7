# A server that gives work items to the workflow worker of @dapr/dapr over gRPC, like a sidecar, and records its answers. So
# a finding chooses which history a workflow has, and needs no sidecar. Source it after check.sh.
# shellcheck shell=bash

# Installs the SDK and writes worker.cjs, which exports:
#   history     the SDK's own functions that build events of a workflow's history
#   turnOf      a work item: a workflow with its past and its new events
#   activityOf  a work item: a call of an activity; `input` is its text, as a workflow's action has it
#   answersOf   runs a worker with `workflows` and `activities` on `items`, which it receives at once, and resolves with its
#               answers: when it has answered all, else 10 s after its last answer
#   print       writes a line; the SDK's own output is suppressed
npm_install_worker() {
  npm_install @dapr/dapr@3.18.0
  cat >"$TEMP/worker.cjs" <<'EOF'
const grpc = require('@grpc/grpc-js')
const { Empty } = require('google-protobuf/google/protobuf/empty_pb')
const { StringValue } = require('google-protobuf/google/protobuf/wrappers_pb')
const { WorkflowRuntime } = require('@dapr/dapr')
const SDK = '@dapr/dapr/workflow/internal/durabletask'
const messages = require(`${SDK}/proto/orchestrator_service_pb`)
const { TaskHubSidecarServiceService: service } = require(`${SDK}/proto/orchestrator_service_grpc_pb`)
const history = require(`${SDK}/utils/pb-helper.util`)

// The SDK writes several lines per item.
for (const level of ['log', 'info', 'warn', 'error', 'debug']) console[level] = () => undefined
const print = (line) => process.stdout.write(`${line}\n`)

function turnOf(instance, past, added) {
  const request = new messages.OrchestratorRequest()
  request.setInstanceid(instance)
  request.setPasteventsList(past)
  request.setNeweventsList(added)
  return new messages.WorkItem().setOrchestratorrequest(request)
}

function activityOf(instance, name, input) {
  const request = new messages.ActivityRequest()
  request.setOrchestrationinstance(new messages.OrchestrationInstance().setInstanceid(instance))
  request.setName(name)
  request.setTaskid(1)
  if (input !== undefined) request.setInput(new StringValue().setValue(input))
  return new messages.WorkItem().setActivityrequest(request)
}

async function answersOf({ workflows = {}, activities = {}, items }) {
  const answers = []
  let stream, end, timer
  const ended = new Promise((resolve) => (end = resolve))
  const onProgress = () => {
    clearTimeout(timer)
    if (answers.length === items.length) end()
    else timer = setTimeout(end, 10_000)
  }
  const server = new grpc.Server()
  const answer = (call, reply) => {
    answers.push(call.request)
    reply(null, new messages.CompleteTaskResponse())
    onProgress()
  }
  server.addService(service, {
    hello: (call, reply) => reply(null, new Empty()),
    getWorkItems: (call) => {
      stream = call
      for (const item of items) call.write(item)
    },
    completeOrchestratorTask: answer,
    completeActivityTask: answer,
  })
  const port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  const runtime = new WorkflowRuntime({ daprHost: '127.0.0.1', daprPort: String(port) })
  for (const [name, workflow] of Object.entries(workflows)) runtime.registerWorkflowWithName(name, workflow)
  for (const [name, activity] of Object.entries(activities)) runtime.registerActivityWithName(name, activity)
  await runtime.start()
  onProgress()
  await ended
  stream.end()
  await runtime.stop()
  server.forceShutdown()
  return answers
}

module.exports = { activityOf, answersOf, history, print, turnOf }
EOF
}
