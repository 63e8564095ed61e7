#!/usr/bin/env bash
# @dapr/dapr 3.18.0: the number 0 as the input of a workflow, as the input of an activity, and as the result of an activity.
#
# Guess: 0 arrives everywhere as 0, since payloads are JSON; or it is lost everywhere.
# True:  0 arrives at the workflow, and an activity can return it. But an activity does not get it: it receives undefined.
#        The same holds for false and the empty text, and for the input of child workflows and of continueAsNew.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/worker.sh"

npm_install_worker
cat >zero.cjs <<'EOF'
const { activityOf, answersOf, history, print, turnOf } = require('./worker.cjs')
const textOf = (value) => value?.getValue()

async function* workflow(context, input) {
  const result = yield context.callActivity('activity', input)
  return [JSON.stringify(input), JSON.stringify(result)]
}

/** The workflow gets `input` and passes it to the activity, which returns `input` whatever it gets. */
async function follow(input) {
  const started = [
    history.newOrchestratorStartedEvent(new Date(0)),
    history.newExecutionStartedEvent('workflow', 'one', input),
  ]
  const [first] = await answersOf({ workflows: { workflow }, items: [turnOf('one', [], started)] })
  const sent = textOf(first.getActionsList()[0].getScheduletask().getInput())

  let received
  const activity = async (context, value) => {
    received = JSON.stringify(value)
    return JSON.parse(input)
  }
  const [done] = await answersOf({ activities: { activity }, items: [activityOf('one', 'activity', sent)] })

  const past = [...started, history.newTaskScheduledEvent(1, 'activity')]
  const completed = history.newTaskCompletedEvent(1, textOf(done.getResult()))
  const [last] = await answersOf({ workflows: { workflow }, items: [turnOf('one', past, [completed])] })
  const [ofWorkflow, ofActivity] = JSON.parse(textOf(last.getActionsList()[0].getCompleteorchestration().getResult()))
  print(`${input}: input of the workflow ${ofWorkflow}, input of the activity ${received}, result of it ${ofActivity}`)
}

async function main() {
  for (const input of ['7', '0', 'false', '""']) await follow(input)
}
main()
EOF
expect node zero.cjs <<'EOF'
7: input of the workflow 7, input of the activity 7, result of it 7
0: input of the workflow 0, input of the activity undefined, result of it 0
false: input of the workflow false, input of the activity undefined, result of it false
"": input of the workflow "", input of the activity undefined, result of it ""
EOF
holds '0, false and the empty text are lost as the input of an activity, but not as its result'
