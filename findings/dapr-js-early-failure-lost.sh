#!/usr/bin/env bash
# @dapr/dapr 3.18.0: two activities run at the same time, and the second one fails. The workflow yields the first task, then
# the second, with a catch around it.
#
# Guess: the catch receives the failure, whichever activity ends first; that is what a task is for.
# True:  if the second activity fails before the first one has completed, `yield` of the second task returns undefined. The
#        worker passes the result of a task that has already ended to the workflow and does not check whether it failed.
#        The workflow completes as if all had gone well, with a value missing.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/worker.sh"

npm_install_worker
cat >early.cjs <<'EOF'
const { answersOf, history, print, turnOf } = require('./worker.cjs')

async function* transfer(context) {
  const debit = context.callActivity('debit')
  const credit = context.callActivity('credit')
  yield debit
  try {
    return `no error; the result of credit is ${yield credit}`
  } catch (error) {
    return `caught: ${error.message}`
  }
}

const past = [
  history.newOrchestratorStartedEvent(new Date(0)),
  history.newExecutionStartedEvent('transfer', 'one'),
  history.newTaskScheduledEvent(1, 'debit'),
  history.newTaskScheduledEvent(2, 'credit'),
]
const debited = history.newTaskCompletedEvent(1, '"debited"')
const failed = history.newTaskFailedEvent(2, new Error('no such account'))

async function main() {
  for (const [title, events] of [
    ['debit completes, then credit fails', [debited, failed]],
    ['credit fails, then debit completes', [failed, debited]],
  ]) {
    const [answer] = await answersOf({ workflows: { transfer }, items: [turnOf('one', past, events)] })
    const completion = answer.getActionsList()[0].getCompleteorchestration()
    print(`${title}: ${JSON.parse(completion.getResult().getValue())}`)
  }
}
main()
EOF
expect node early.cjs <<'EOF'
debit completes, then credit fails: caught: one: Activity task #2 failed: no such account
credit fails, then debit completes: no error; the result of credit is undefined
EOF
holds 'a failure is lost if its task is yielded after it has failed'
