/**
 * The final check: every acknowledged point is in the results exactly once. What was acknowledged is promised in
 * manifests, through the gateway too; then a job reads the whole topic, and each result must have every promised seq,
 * none twice, and the sum, minimum and maximum that the values give. A point beyond the promise must be one whose
 * request was sent and never acknowledged: whether it was stored nobody knows.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { windowStartOf } from '../../src/core/window.ts'
import { valueOf, vmIdOf, type Fleet } from '../k6/fleet.ts'
import type { Progress } from './attempts.ts'

export interface Manifest {
  readonly vmId: string
  readonly windowStart: number
  readonly firstSeq: number
  readonly count: number
}

/** What is promised of one VM window, and how to recompute it. */
interface Promised extends Manifest {
  readonly user: number
  readonly vm: number
}

export interface Verdict {
  readonly vmWindows: number
  /** Points in the results that were acknowledged. */
  readonly points: number
  /** Points in the results whose requests got no acknowledgement. */
  readonly unacknowledged: number
  /** Copies that were told apart. */
  readonly duplicates: number
  /** What is wrong, in words; the first of each. Empty: every acknowledged point is there exactly once. */
  readonly problems: readonly string[]
}

export function* promisesOf(fleet: Fleet, users: ReadonlyMap<number, Progress>, windowMs: number): Generator<Promised> {
  for (const [user, { acknowledged }] of users) {
    for (let firstSeq = 0; firstSeq < acknowledged;) {
      const windowStart = windowStartOf(fleet.startMs + firstSeq * fleet.everyMs, windowMs)
      const inWindow = Math.ceil((windowStart + windowMs - fleet.startMs) / fleet.everyMs) - firstSeq
      const count = Math.min(inWindow, acknowledged - firstSeq)
      for (let vm = 0; vm < fleet.vmsPerUser; vm++) {
        yield { vmId: vmIdOf(fleet, user, vm), windowStart, firstSeq, count, user, vm }
      }
      firstSeq += count
    }
  }
}

export async function verifyResults(
  resultsFile: string,
  fleet: Fleet,
  users: ReadonlyMap<number, Progress>,
  windowMs: number,
): Promise<Verdict> {
  const promised = new Map<string, Promised>()
  for (const one of promisesOf(fleet, users, windowMs)) promised.set(`${one.vmId}@${one.windowStart}`, one)
  const problems: string[] = []
  const seen = new Set<string>()
  let points = 0
  let unacknowledged = 0
  let duplicates = 0
  for await (const line of createInterface({ input: createReadStream(resultsFile) })) {
    const result = JSON.parse(line) as VmWindowResult
    const key = `${result.vmId}@${result.windowStart}`
    if (seen.has(key)) problems.push(`${key} has two results`)
    seen.add(key)
    duplicates += result.duplicates
    const promise = promised.get(key)
    const extra = extraOf(result)
    points += result.received - extra
    unacknowledged += extra
    problems.push(...wrongWith(result, promise, extra, users))
  }
  for (const key of promised.keys()) if (!seen.has(key)) problems.push(`${key} has no result`)
  return { vmWindows: seen.size, points, unacknowledged, duplicates, problems: problems.slice(0, 20) }
}

function extraOf({ expected, received, unexpected }: VmWindowResult): number {
  // Without a promise everything is extra.
  return expected === null ? received : unexpected.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

function wrongWith(
  result: VmWindowResult,
  promise: Promised | undefined,
  extra: number,
  users: ReadonlyMap<number, Progress>,
): string[] {
  const where = `${result.vmId}@${result.windowStart}`
  const user = promise?.user ?? Number(result.vmId.split('-').at(-2))
  const { acknowledged = 0, sent = 0 } = users.get(user) ?? {}
  if (extra > sent - acknowledged) return [`${where}: ${extra} points that were never sent`]
  if (promise === undefined) return []
  if (result.missingCount > 0) return [`${where}: lost ${JSON.stringify(result.missing)}`]
  if (result.received !== promise.count + extra)
    return [`${where}: ${result.received} points, ${promise.count} acknowledged`]
  if (extra > 0) return []
  const cpu = (result.metrics as Record<string, { count: number; sum: number; min: number; max: number }>)['cpu']
  const exact = exactOf(promise)
  const found = { count: cpu?.count, sum: cpu?.sum, min: cpu?.min, max: cpu?.max }
  return JSON.stringify(found) === JSON.stringify(exact)
    ? []
    : [`${where}: ${JSON.stringify(found)}, not ${JSON.stringify(exact)}`]
}

function exactOf({ user, vm, firstSeq, count }: Promised): { count: number; sum: number; min: number; max: number } {
  const values = Array.from({ length: count }, (_, i) => valueOf(user, vm, firstSeq + i))
  return { count, sum: values.reduce((a, b) => a + b, 0), min: Math.min(...values), max: Math.max(...values) }
}
