/** A virtual user: sends its VMs' points in order, each request until it is acknowledged, and logs every attempt. */
import { check, sleep } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Rate } from 'k6/metrics'
import { ATTEMPT, pointsOf, TICKS_A_REQUEST, type Attempt, type Fleet } from './fleet.ts'

const url = __ENV['GATEWAY'] ?? 'http://127.0.0.1:8080'
const token = __ENV['TOKEN'] ?? ''

export const fleet: Fleet = {
  run: __ENV['RUN'] ?? 'load',
  vmsPerUser: Number(__ENV['VMS_PER_USER'] ?? 50),
  startMs: Number(__ENV['START_MS'] ?? Date.now() - 3_650 * 86_400_000),
  everyMs: Number(__ENV['EVERY_MS'] ?? 432_000),
}

/** Points that Kafka has acknowledged through the gateway, not counting duplicates. */
const acknowledged = new Counter('points_acknowledged')
/** Attempts that were refused or got no response; they are retried. */
const refused = new Rate('attempts_refused')

/** State of this user. k6 loads this module once per user. */
let nextTick = 0

const FORMATS = [
  { 'Content-Type': 'application/json' },
  { 'Content-Type': 'application/x-ndjson' },
  { 'Content-Type': 'application/json', gzip: true },
] as const

/** Sends the next points of this user. With `copies`, sends them again immediately. */
export function send(copies = 0): void {
  const user = exec.vu.idInTest
  const firstTick = nextTick
  const points = pointsOf(fleet, user, firstTick, TICKS_A_REQUEST)
  const { gzip, ...headers } = { gzip: false, ...(FORMATS[(user + firstTick) % FORMATS.length] as object) } as {
    gzip: boolean
    'Content-Type': string
  }
  const body =
    headers['Content-Type'] === 'application/json'
      ? JSON.stringify(points)
      : points.map((point) => JSON.stringify(point)).join('\n')
  const params = {
    headers: { ...headers, ...(token === '' ? {} : { Authorization: `Bearer ${token}` }) },
    ...(gzip ? { compression: 'gzip' as const } : {}),
    timeout: '30s',
  }
  for (let isDone = false; !isDone;) {
    isDone = attempt(body, params, { user, firstTick, ticks: TICKS_A_REQUEST })
  }
  nextTick += TICKS_A_REQUEST
  acknowledged.add(points.length)
  for (let copy = 0; copy < copies; copy++)
    attempt(body, params, { user, firstTick, ticks: TICKS_A_REQUEST, copy: true })
}

type Params = NonNullable<Parameters<typeof http.post>[2]>

function attempt(body: string, params: Params, what: Omit<Attempt, 'at' | 'status' | 'ms'>): boolean {
  const at = Date.now()
  const response = http.post(`${url}/v1/points`, body, params)
  const line: Attempt = { at, ...what, status: response.status, ms: response.timings.duration }
  console.log(ATTEMPT + JSON.stringify(line))
  const isTaken = response.status === 200
  refused.add(!isTaken)
  // An invalid request stays invalid, so it is a bug of this script or of the gateway, and fails the test.
  check(response, {
    'no request is rejected as invalid': ({ status }) => status < 400 || status === 429 || status >= 500,
    'a rejection has Retry-After': ({ status, headers }) => !isRefusal(status) || Number(headers['Retry-After']) > 0,
    'nothing fails unexpectedly': ({ status }) => status !== 500,
  })
  if (!isTaken && response.status >= 400 && response.status < 500 && response.status !== 429)
    exec.test.abort(typeof response.body === 'string' ? response.body : 'refused')
  if (!isTaken) sleep(Number(response.headers['Retry-After'] ?? 0.25))
  return isTaken
}

const isRefusal = (status: number): boolean => status === 429 || status === 503

/** The end-of-test figures, for the runner. */
export function summaryTo(file: string | undefined, data: object): Record<string, string> {
  return file === undefined ? { stdout: JSON.stringify(data, null, 2) } : { [file]: JSON.stringify(data) }
}
