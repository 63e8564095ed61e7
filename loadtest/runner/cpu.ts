/**
 * CPU and memory of each process of a load test, per second. CPU shows which process limits throughput; memory shows whether
 * it grows. Linux only.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSecondsOf } from '../../bench/peer/cpu.ts'

/** CPU seconds by process name. */
export type CpuSeconds = Readonly<Record<string, number>>

export interface CpuUsage {
  readonly total: CpuSeconds
  /** For each second since the start. The last fraction of a process that ends within a second is missing. */
  readonly timeline: readonly CpuSeconds[]
  /** Resident MiB by process name at the end of each second; 0 if the process does not exist. */
  readonly memoryMib: readonly Readonly<Record<string, number>>[]
}

const EVERY_MS = 1_000

/** The current process id for a name: a restarted gateway has another id. `null`: no such process. */
export type PidOf = () => number | null

/** Samples until `signal` aborts; `null` if the system does not provide the data. */
export async function watchCpu(pids: Readonly<Record<string, PidOf>>, signal: AbortSignal): Promise<CpuUsage | null> {
  if (process.platform !== 'linux') return null
  const timeline: CpuSeconds[] = []
  const memoryMib: Record<string, number>[] = []
  const startMs = performance.now()
  for (let last = await readAll(pids); !signal.aborted;) {
    // Keep to whole seconds, however long sampling takes.
    const nextMs = startMs + (timeline.length + 1) * EVERY_MS
    // An abort ends the pause; the usage until then is recorded.
    await sleep(Math.max(0, nextMs - performance.now()), undefined, { signal }).catch(() => undefined)
    const now = await readAll(pids)
    timeline.push(usedBetween(last, now, Object.keys(pids)))
    memoryMib.push(Object.fromEntries(Object.keys(pids).map((name) => [name, now.get(name)?.mib ?? 0])))
    last = now
  }
  return { total: totalOf(timeline, Object.keys(pids)), timeline, memoryMib }
}

interface Reading {
  readonly pid: number
  readonly seconds: number
  readonly mib: number
}

async function readAll(pids: Readonly<Record<string, PidOf>>): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>()
  for (const [name, pidOf] of Object.entries(pids)) {
    const pid = pidOf()
    if (pid === null) continue
    // A process that has ended has no files in /proc.
    const [seconds, mib] = await Promise.all([cpuSecondsOf(pid), residentMib(pid)]).catch(() => [null, null])
    if (seconds !== null && mib !== null) readings.set(name, { pid, seconds, mib })
  }
  return readings
}

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  // proc(5): in kB; missing for a process that has ended and is not reaped.
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024
}

/** Memory of the gateway: halfway, at the end, and the maximum. */
export function gatewayMemory({ memoryMib }: CpuUsage): { middle: number; end: number; most: number } {
  // Skip seconds in which the gateway was restarting.
  const values = memoryMib.map(({ gateway = 0 }) => gateway).filter((mib) => mib > 0)
  const at = (index: number): number => values.at(index) ?? 0
  return { middle: at(Math.floor(values.length / 2)), end: at(-1), most: Math.max(0, ...values) }
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
