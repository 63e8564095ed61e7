/** Sends every request three times, like senders that never received the response. Each must count once. */
import type { Options } from 'k6/options'
import { send, summaryTo } from '../k6/sender.ts'

export const options: Options = {
  scenarios: { replay: { executor: 'constant-vus', vus: 10, duration: `${Number(__ENV['SECONDS'] ?? 20)}s` } },
  thresholds: {
    checks: ['rate==1'],
    attempts_refused: ['rate<0.001'],
    http_req_duration: ['p(95)<2000'],
  },
}

export default function (): void {
  send(2)
}

export const handleSummary = (data: object): Record<string, string> => summaryTo(__ENV['SUMMARY'], data)
