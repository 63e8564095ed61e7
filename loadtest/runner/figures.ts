/** Figures of a load test: in total, and per second for the plots. Pure. */
import type { Attempt } from '../k6/fleet.ts'

export interface Second {
  /** Time since the first attempt. */
  readonly at: number
  readonly points: number
  readonly requests: number
  readonly refused: number
  /** Milliseconds until the response; `null` in a second without one. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface Figures {
  readonly attempts: number
  /** By status; "0" means no response. */
  readonly byStatus: Readonly<Record<string, number>>
  /** Points acknowledged for the first time. */
  readonly points: number
  readonly seconds: number
  readonly pointsPerSecond: number
  /** Rate in the best second. */
  readonly mostPointsPerSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  readonly timeline: readonly Second[]
}

export function figuresOf(attempts: readonly Attempt[], vmsPerUser: number): Figures {
  const startMs = attempts.reduce((least, { at }) => Math.min(least, at), Infinity)
  const byStatus: Record<string, number> = {}
  const buckets: Attempt[][] = []
  for (const attempt of attempts) {
    byStatus[attempt.status] = (byStatus[attempt.status] ?? 0) + 1
    // Count points in the second of the response: that is when they were stored.
    const second = Math.floor((attempt.at + attempt.ms - startMs) / 1000)
    ;(buckets[second] ??= []).push(attempt)
  }
  const pointsIn = (some: readonly Attempt[]): number =>
    some.reduce((sum, { status, copy, ticks }) => (status === 200 && !copy ? sum + ticks * vmsPerUser : sum), 0)
  const timeline = Array.from(buckets, (some = [], at): Second => {
    const answered = latencies(some)
    return {
      at,
      points: pointsIn(some),
      requests: some.length,
      refused: some.filter(({ status }) => status !== 200).length,
      p50: quantile(answered, 0.5),
      p95: quantile(answered, 0.95),
      p99: quantile(answered, 0.99),
    }
  })
  const answered = latencies(attempts)
  const points = pointsIn(attempts)
  const seconds = attempts.reduce((last, { at, ms }) => Math.max(last, at + ms - startMs), 0) / 1000
  return {
    attempts: attempts.length,
    byStatus,
    points,
    seconds,
    pointsPerSecond: Math.round(points / Math.max(seconds, 0.001)),
    mostPointsPerSecond: timeline.reduce((most, second) => Math.max(most, second.points), 0),
    p50: quantile(answered, 0.5) ?? 0,
    p95: quantile(answered, 0.95) ?? 0,
    p99: quantile(answered, 0.99) ?? 0,
    max: answered.at(-1) ?? 0,
    timeline,
  }
}

/** Latencies of acknowledged attempts, ascending. */
function latencies(attempts: readonly Attempt[]): number[] {
  return attempts
    .filter(({ status }) => status === 200)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b)
}

/** The smallest value that this share of the values does not exceed. */
export function quantile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? null
}
