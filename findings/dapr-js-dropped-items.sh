#!/usr/bin/env bash
# @dapr/dapr 3.18.0: a sidecar sends the workflow worker 200 calls of an activity at once.
#
# Guess: the worker runs some of them at the same time and takes the others when it has room; the stream of gRPC has flow
#        control for that.
# True:  it runs 10, queues 100 and drops 90, with a warning in its log and no answer to the sidecar. It also does not stop
#        reading the stream. A workflow that waits for a dropped call waits until the worker connects again.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/worker.sh"

npm_install_worker
cat >dropped.cjs <<'EOF'
const { activityOf, answersOf, print } = require('./worker.cjs')

async function main() {
  for (const count of [110, 200]) {
    const items = Array.from({ length: count }, (_, index) => activityOf(`instance-${index}`, 'activity', '1'))
    // No call returns before the worker has had five seconds to receive all items; it needs milliseconds.
    const received = new Promise((resolve) => setTimeout(resolve, 5_000))
    const answers = await answersOf({ activities: { activity: () => received.then(() => 'done') }, items })
    print(`${count} items at once: ${answers.length} answers`)
  }
}
main()
EOF
expect node dropped.cjs <<'EOF'
110 items at once: 110 answers
200 items at once: 110 answers
EOF
holds 'the worker drops work items beyond 110 without answering them'
