/** What each process of a load test takes of the machine, second by second: it tells whose bound a figure is. Linux only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSecondsOf } from '../../bench/peer/cpu.ts'

/** CPU seconds by name of the process. */
export type CpuSeconds = Readonly<Record<string, number>>

export interface CpuUsage {
  readonly total: CpuSeconds
  /** In each second since the start; what ended in the middle of one lacks its end. */
  readonly timeline: readonly CpuSeconds[]
}

const EVERY_MS = 1_000

/** The process that has the name now: a gateway that is started again has another id. `null`: none. */
export type PidOf = () => number | null

/** Watches until `signal` aborts; `null` where the kernel does not tell. */
export async function watchCpu(pids: Readonly<Record<string, PidOf>>, signal: AbortSignal): Promise<CpuUsage | null> {
  if (process.platform !== 'linux') return null
  const timeline: CpuSeconds[] = []
  const startMs = performance.now()
  for (let last = await readAll(pids); !signal.aborted;) {
    // Kept to the second, however long looking takes.
    const nextMs = startMs + (timeline.length + 1) * EVERY_MS
    // An abort ends the pause, and what was used until then is noted.
    await sleep(Math.max(0, nextMs - performance.now()), undefined, { signal }).catch(() => undefined)
    const now = await readAll(pids)
    timeline.push(usedBetween(last, now, Object.keys(pids)))
    last = now
  }
  return { total: totalOf(timeline, Object.keys(pids)), timeline }
}

interface Reading {
  readonly pid: number
  readonly seconds: number
}

async function readAll(pids: Readonly<Record<string, PidOf>>): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>()
  for (const [name, pidOf] of Object.entries(pids)) {
    const pid = pidOf()
    const seconds = pid === null ? null : await cpuSecondsOf(pid).catch(() => null)
    // One that has ended has no file any more.
    if (pid !== null && seconds !== null) readings.set(name, { pid, seconds })
  }
  return readings
}

function usedBetween(
  last: ReadonlyMap<string, Reading>,
  now: ReadonlyMap<string, Reading>,
  names: readonly string[],
): CpuSeconds {
  const used = names.map((name) => {
    const [before, after] = [last.get(name), now.get(name)]
    if (after === undefined) return [name, 0] as const
    return [name, after.seconds - (before?.pid === after.pid ? before.seconds : 0)] as const
  })
  return Object.fromEntries(used)
}

function totalOf(timeline: readonly CpuSeconds[], names: readonly string[]): CpuSeconds {
  return Object.fromEntries(names.map((name) => [name, timeline.reduce((sum, one) => sum + (one[name] ?? 0), 0)]))
}
