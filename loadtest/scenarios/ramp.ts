/**
 * Ever more requests until it breaks: ends where a tenth of the attempts are refused, half of them take over 2 s, or 200
 * collectors, each of whom awaits its answer, cannot send any more what falls due.
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
      // All of them from the start, or what is dropped would tell of their making.
      preAllocatedVUs: 200,
      maxVUs: 200,
      stages: [{ target: most, duration: `${seconds}s` }],
    },
  },
  // Where it breaks is what is looked for, so that ends the test and does not fail it; wrong answers do.
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
