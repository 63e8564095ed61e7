#!/usr/bin/env bash
# cron-parser 5.10.6 and croner 11.0.1: schedules in a time zone, at the two changes of the clock.
#
# Guess: two current libraries of one language agree on when a job runs, and an hourly job runs hourly in every zone.
# True:  they differ at both changes. Of a job at 02:30, which does not exist in spring, croner makes 03:00 and cron-parser
#        03:30; jobs every 20 minutes of that hour are skipped by croner, and moved to the next hour by cron-parser. In
#        autumn croner runs a job of every second hour twice within one hour. In Australia/Lord_Howe, whose clock
#        moves by half an hour, an hourly job makes cron-parser throw instead of giving the next time.
source "$(dirname "$0")/lib/check.sh"

npm_install cron-parser@5.10.6 croner@11.0.1
cat >runs.mjs <<'EOF'
import { CronExpressionParser } from 'cron-parser'
import { Cron } from 'croner'

function ofCroner(schedule, timezone, after, count) {
  return new Cron(schedule, { timezone, paused: true }).nextRuns(count, new Date(after))
}

function ofParser(schedule, tz, after, count) {
  const times = CronExpressionParser.parse(schedule, { tz, currentDate: after })
  return Array.from({ length: count }, () => times.next().toDate())
}

for (const [what, ...job] of [
  ['at 02:30, spring', '30 2 * * *', 'Europe/Paris', '2026-03-28T12:00:00Z', 2],
  ['every 20 minutes of the hour 2, spring', '*/20 2 * * *', 'Europe/Paris', '2026-03-28T12:00:00Z', 4],
  ['every second hour, autumn', '0 */2 * * *', 'Europe/Paris', '2026-10-24T21:30:00Z', 4],
  ['hourly, half an hour back', '0 * * * *', 'Australia/Lord_Howe', '2026-04-04T13:30:00Z', 4],
]) {
  console.log(`${what}: ${job[0]} in ${job[1]}`)
  for (const [name, runs] of [['croner', ofCroner], ['cron-parser', ofParser]]) {
    try {
      console.log(`  ${name}: ${runs(...job).map((time) => time.toISOString().slice(8, 16)).join(' ')}`)
    } catch (error) {
      console.log(`  ${name}: ${error.message}`)
    }
  }
}
EOF
expect node runs.mjs <<'EOF'
at 02:30, spring: 30 2 * * * in Europe/Paris
  croner: 29T01:00 30T00:30
  cron-parser: 29T01:30 30T00:30
every 20 minutes of the hour 2, spring: */20 2 * * * in Europe/Paris
  croner: 30T00:00 30T00:20 30T00:40 31T00:00
  cron-parser: 29T01:00 29T01:20 29T01:40 30T00:00
every second hour, autumn: 0 */2 * * * in Europe/Paris
  croner: 24T22:00 25T00:00 25T01:00 25T03:00
  cron-parser: 24T22:00 25T00:00 25T03:00 25T05:00
hourly, half an hour back: 0 * * * * in Australia/Lord_Howe
  croner: 04T14:00 04T15:30 04T16:30 04T17:30
  cron-parser: Invalid expression, loop limit exceeded
EOF
holds 'cron-parser and croner run jobs at different instants when clocks change, and one fails for hourly jobs in Lord Howe'
