/**
 * The final check: every acknowledged point is in the results exactly once. Manifests that promise the acknowledged points
 * are sent through the gateway, then a job reads the whole topic. Each result must have every promised seq, none twice, and
 * the count, sum, minimum and maximum of the values. A point beyond the promise must belong to a request that was sent and
 * never acknowledged: it is unknown whether it was stored, and if it was, it counts with its value. A duplicate that was
 * acknowledged must have been detected as one.
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { windowsOf } from '../../src/core/window-policy.ts'
import { valueOf, vmIdOf, type Fleet } from '../k6/fleet.ts'
import type { Progress } from './attempts.ts'

export interface Manifest {
  readonly vmId: string
  readonly windowStart: number
  readonly firstSeq: number
  readonly count: number
}

/** The points promised for one VM window, and how to recompute their values. */
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
  /** Detected duplicates. */
  readonly duplicates: number
  /** Problems found, one per kind. Empty if every acknowledged point is in the results exactly once. */
  readonly problems: readonly string[]
}

export function* promisesOf(fleet: Fleet, users: ReadonlyMap<number, Progress>, windowMs: number): Generator<Promised> {
  const windows = windowsOf({ sizeMs: windowMs })
  for (const [user, { acknowledged }] of users) {
    for (let firstSeq = 0; firstSeq < acknowledged;) {
      const windowStart = windows.startOf(fleet.startMs + firstSeq * fleet.everyMs)
      const inWindow = Math.ceil((windows.endOf(windowStart) - fleet.startMs) / fleet.everyMs) - firstSeq
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
  let acknowledged = 0
  for (const one of promisesOf(fleet, users, windowMs)) {
    promised.set(`${one.vmId}@${one.windowStart}`, one)
    acknowledged += one.count
  }
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
    const extra = extraOf(result)
    points += result.received - extra
    unacknowledged += extra
    duplicates += result.duplicates
    problems.push(...wrongWith(result, promised.get(key), users))
  }
  for (const key of promised.keys()) if (!seen.has(key)) problems.push(`${key} has no result`)
  if (points !== acknowledged) problems.push(`${points} acknowledged points in the results, not ${acknowledged}`)
  const copies = [...users.values()].reduce((sum, user) => sum + user.copies, 0) * fleet.vmsPerUser
  if (duplicates < copies) problems.push(`${copies} duplicates were acknowledged, but ${duplicates} detected`)
  return { vmWindows: seen.size, points, unacknowledged, duplicates, problems: problems.slice(0, 20) }
}

/** Points beyond the promise. Without a promise, these are all points. */
function extraOf({ expected, received, unexpected }: VmWindowResult): number {
  return expected === null ? received : unexpected.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

function wrongWith(
  result: VmWindowResult,
  promise: Promised | undefined,
  users: ReadonlyMap<number, Progress>,
): string[] {
  const where = `${result.vmId}@${result.windowStart}`
  const [user = NaN, vm = NaN] = result.vmId.split('-').slice(-2).map(Number)
  const { acknowledged = 0, sent = 0 } = users.get(user) ?? {}
  const extra = extraOf(result)
  if (extra > sent - acknowledged) return [`${where}: ${extra} points that were never sent`]
  if (promise === undefined) return []
  const isSent = ([first, last]: readonly [number, number]): boolean => first >= acknowledged && last < sent
  if (!result.unexpected.every(isSent))
    return [`${where}: seqs that were never sent, of ${JSON.stringify(result.unexpected)}`]
  if (result.missingCount > 0) return [`${where}: lost ${JSON.stringify(result.missing)}`]
  if (result.received !== promise.count + extra)
    return [`${where}: ${result.received} points, ${promise.count} acknowledged`]
  const cpu = (result.metrics as Record<string, { count: number; sum: number; min: number; max: number }>)['cpu']
  const exact = exactOf(user, vm, [[promise.firstSeq, promise.firstSeq + promise.count - 1], ...result.unexpected])
  const found = { count: cpu?.count, sum: cpu?.sum, min: cpu?.min, max: cpu?.max }
  return JSON.stringify(found) === JSON.stringify(exact)
    ? []
    : [`${where}: ${JSON.stringify(found)}, not ${JSON.stringify(exact)}`]
}

/** Number of seqs in the ranges, including both ends. */
function exactOf(
  user: number,
  vm: number,
  ranges: readonly (readonly [number, number])[],
): { count: number; sum: number; min: number; max: number } {
  const values = ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => valueOf(user, vm, first + i)),
  )
  const sum = values.reduce((a, b) => a + b, 0)
  return { count: values.length, sum, min: Math.min(...values), max: Math.max(...values) }
}
