#!/usr/bin/env bash
# @dapr/dapr 3.18.0: a workflow waits for an approval for a minute, sends a reminder, and waits for the approval again. The
# approval arrives during the second wait.
#
# Guess: it ends the second wait; the first one is over.
# True:  the event goes to the first wait, which nothing reads any more, and is lost. A wait that lost whenAny against a timer
#        remains first in line for the events of its name. Only a second approval ends the second wait, a third one the third.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/worker.sh"

npm_install_worker
cat >late.cjs <<'EOF'
const { answersOf, history, print, turnOf } = require('./worker.cjs')

async function* approval(context) {
  for (let wait = 1; ; wait++) {
    const approved = context.waitForExternalEvent('approved')
    const winner = yield context.whenAny([approved, context.createTimer(60)])
    if (winner === approved) return `approved by ${approved.getResult()} in wait ${wait}`
  }
}

const minute = (count) => new Date(count * 60_000)
const started = [history.newOrchestratorStartedEvent(minute(0)), history.newExecutionStartedEvent('approval', 'one')]
const timer = (number) => history.newTimerCreatedEvent(number, minute(number))
const fired = (number) => history.newTimerFiredEvent(number, minute(number))
const byAnn = history.newEventRaisedEvent('approved', '"Ann"')
const byBob = history.newEventRaisedEvent('approved', '"Bob"')

async function main() {
  for (const [title, past, events] of [
    ['Ann approves in the first wait', [timer(1)], [byAnn]],
    ['Ann approves in the second wait', [timer(1), fired(1), timer(2)], [byAnn]],
    ['Ann and Bob approve in the second wait', [timer(1), fired(1), timer(2)], [byAnn, byBob]],
  ]) {
    const [answer] = await answersOf({ workflows: { approval }, items: [turnOf('one', [...started, ...past], events)] })
    const completion = answer.getActionsList()[0]?.getCompleteorchestration()
    print(`${title}: ${completion ? JSON.parse(completion.getResult().getValue()) : 'still waiting'}`)
  }
}
main()
EOF
expect node late.cjs <<'EOF'
Ann approves in the first wait: approved by Ann in wait 1
Ann approves in the second wait: still waiting
Ann and Bob approve in the second wait: approved by Bob in wait 2
EOF
holds 'an event is lost if an earlier wait for it has timed out'
