/** Moderate load for a long time (ten minutes, or SECONDS), to find leaks and unbounded growth. */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

export const options: Options = {
  scenarios: {
    soak: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV['RATE'] ?? 20),
      timeUnit: '1s',
      duration: `${Number(__ENV['SECONDS'] ?? 600)}s`,
      preAllocatedVUs: 50,
      maxVUs: 100,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: ['rate<0.001'],
    http_req_duration: ['p(95)<500', 'p(99)<2000'],
  },
}

export default function (): void {
  send()
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], data)
