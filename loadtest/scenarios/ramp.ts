/**
 * Increases the request rate until a limit is reached: a tenth of the attempts is refused, half of them take longer than
 * 2 s, or 200 collectors, each waiting for its response, cannot keep up with the rate.
 */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

const seconds = Number(__ENV['SECONDS'] ?? 120)
const most = Number(__ENV['MOST'] ?? 4000)

export const options: Options = {
  scenarios: {
    ramp: {
      executor: 'ramping-arrival-rate',
      startRate: 10,
      timeUnit: '1s',
      // Create all users at the start; otherwise their creation would cause dropped iterations.
      preAllocatedVUs: 200,
      maxVUs: 200,
      stages: [{ target: most, duration: `${seconds}s` }],
    },
  },
  // The scenario searches for the limit, so reaching it ends the test without failing it. Wrong responses fail it.
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: [{ threshold: 'rate<0.1', abortOnFail: true, delayAbortEval: '5s' }],
    http_req_duration: [{ threshold: 'p(50)<2000', abortOnFail: true, delayAbortEval: '5s' }],
    dropped_iterations: [{ threshold: 'count<500', abortOnFail: true }],
  },
}

const ends = ['attempts_refused', 'http_req_duration', 'dropped_iterations']

export default function (): void {
  send()
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], { ...data, ends })
