/**
 * A million points per day from 5,000 VMs, compressed in time: 100 collectors with 50 VMs each send 200 points of every VM,
 * 100 points per request, in one minute (SECONDS) instead of a day.
 */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

const seconds = Number(__ENV['SECONDS'] ?? 60)
const REQUESTS = 10_000

export const options: Options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: Math.ceil(REQUESTS / seconds),
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: 100,
      maxVUs: 100,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: ['rate<0.001'],
    http_req_duration: ['p(95)<500', 'p(99)<2000'],
    dropped_iterations: ['count<100'],
  },
}

export default function (): void {
  send()
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], data)
