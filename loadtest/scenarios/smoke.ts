/** A smoke test: five users, ten seconds, every format. */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

export const options: Options = {
  scenarios: { smoke: { executor: 'constant-vus', vus: 5, duration: `${Number(__ENV['SECONDS'] ?? 10)}s` } },
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: ['rate==0'],
    http_req_duration: ['p(95)<2000'],
    points_acknowledged: ['count>1000'],
  },
}

export default function (): void {
  send()
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], data)
