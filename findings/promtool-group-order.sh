#!/usr/bin/env bash
# promtool 3.16.0 (Prometheus): unit tests of rules. One group records a series, another one has an alert on that series.
#
# Guess: groups are evaluated in the order of the file, or all recording rules first. If an alert were one interval late,
#        it would be late in every run.
# True:  the order is random and another one in each run, so the same test passes and fails. With `group_eval_order` it
#        always passes.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/promtool.sh"

need node
build_promtool
cd "$TEMP"
cat >rules.yml <<'EOF'
groups:
  - name: recording
    rules:
      - record: job:requests:sum
        expr: sum(requests)
  - name: alerts
    rules:
      - alert: Busy
        expr: job:requests:sum > 5
EOF
cat >unordered.yml <<'EOF'
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - { series: 'requests', values: '0 0 9' }
    alert_rule_test:
      - { eval_time: 2m, alertname: Busy, exp_alerts: [{}] }
EOF
(echo 'group_eval_order: [recording, alerts]' && cat unordered.yml) >ordered.yml

# Runs a test file up to 200 times, until it has passed and failed, and prints which of both it did.
cat >results_of.sh <<'EOF'
passed=no failed=no
for ((run = 0; run < 200; run++)); do
  if "$1" test rules "$2" >run.log 2>&1; then passed=yes; else failed=yes; fi
  [ "$passed$failed" = yesyes ] && break
done
echo "$2: passes $passed, fails $failed"
EOF
expect bash -c 'bash results_of.sh "$1" unordered.yml && bash results_of.sh "$1" ordered.yml' - "$PROMTOOL" <<'EOF'
unordered.yml: passes yes, fails yes
ordered.yml: passes yes, fails no
EOF
holds 'the same test of an alert on a recorded series passes in one run and fails in another'
