/** Ever more requests until it breaks: ends where a tenth of the attempts are refused or half of them take over 2 s. */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

const seconds = Number(__ENV['SECONDS'] ?? 60)
const most = Number(__ENV['MOST'] ?? 1000)

export const options: Options = {
  scenarios: {
    ramp: {
      executor: 'ramping-arrival-rate',
      startRate: 10,
      timeUnit: '1s',
      preAllocatedVUs: 100,
      maxVUs: 200,
      stages: [{ target: most, duration: `${seconds}s` }],
    },
  },
  // Where it breaks is what is looked for, so that ends the test and does not fail it; wrong answers do.
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: [{ threshold: 'rate<0.1', abortOnFail: true, delayAbortEval: '5s' }],
    http_req_duration: [{ threshold: 'p(50)<2000', abortOnFail: true, delayAbortEval: '5s' }],
  },
}

export default function (): void {
  send()
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], data)
