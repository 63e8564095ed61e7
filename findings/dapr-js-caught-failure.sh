#!/usr/bin/env bash
# @dapr/dapr 3.18.0: one of two activities under whenAll fails. The workflow catches that, calls an activity that undoes the
# work, and completes. The other activity completes later.
#
# Guess: the workflow completes, since the failure was caught and the late result is of no interest.
# True:  the late result throws inside the worker, outside the reach of the workflow's catch. The workflow fails with "Task is
#        already completed", even if it has completed before in the same turn.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/worker.sh"

npm_install_worker
cat >caught.cjs <<'EOF'
const { answersOf, history, print, turnOf } = require('./worker.cjs')

async function* booking(context) {
  try {
    yield context.whenAll([context.callActivity('flight'), context.callActivity('hotel')])
  } catch (error) {
    return `cancelled: ${yield context.callActivity('cancel')}`
  }
}

const past = [
  history.newOrchestratorStartedEvent(new Date(0)),
  history.newExecutionStartedEvent('booking', 'one'),
  history.newTaskScheduledEvent(1, 'flight'),
  history.newTaskScheduledEvent(2, 'hotel'),
  history.newTaskFailedEvent(2, new Error('no room')),
  history.newTaskScheduledEvent(3, 'cancel'),
]
const flight = history.newTaskCompletedEvent(1, '"booked"')
const cancelled = history.newTaskCompletedEvent(3, '"done"')

async function main() {
  for (const [title, events] of [
    ['cancel completes', [cancelled]],
    ['flight completes, then cancel', [flight, cancelled]],
    ['cancel completes, then flight', [cancelled, flight]],
  ]) {
    const [answer] = await answersOf({ workflows: { booking }, items: [turnOf('one', past, events)] })
    const completion = answer.getActionsList()[0].getCompleteorchestration()
    const failure = completion.getFailuredetails()
    print(`${title}: ${failure ? `FAILED, ${failure.getErrormessage()}` : completion.getResult().getValue()}`)
  }
}
main()
EOF
expect node caught.cjs <<'EOF'
cancel completes: "cancelled: done"
flight completes, then cancel: FAILED, Task is already completed
cancel completes, then flight: FAILED, Task is already completed
EOF
holds 'a failure under whenAll that was caught fails the workflow as soon as a sibling completes'
