/** A sudden spike of ten times the load: no point may be lost, and latency must recover. */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

const rate = Number(__ENV['RATE'] ?? 20)
const seconds = Number(__ENV['SECONDS'] ?? 40)
const part = (share: number): string => `${Math.max(1, Math.round(seconds * share))}s`

export const options: Options = {
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: rate,
      timeUnit: '1s',
      preAllocatedVUs: 100,
      maxVUs: 200,
      stages: [
        { target: rate, duration: part(0.25) },
        { target: rate * 10, duration: '1s' },
        { target: rate * 10, duration: part(0.25) },
        { target: rate, duration: '1s' },
        { target: rate, duration: part(0.5) },
      ],
    },
  },
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: ['rate<0.05'],
    http_req_duration: ['p(95)<2000'],
  },
}

export default function (): void {
  send()
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], data)
