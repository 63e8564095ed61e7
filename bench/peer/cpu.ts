/** CPU time of processes from /proc; Linux only. */
import { readFile } from 'node:fs/promises'

/** USER_HZ, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Seconds of CPU, user and system, that all threads of a process have used so far. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // proc(5): `pid (comm) state …`, where comm may contain any character; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The CPU seconds of several processes, by name. */
export async function cpuSecondsByName(pids: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const [name, pid] of pids) found.set(name, await cpuSecondsOf(pid))
  return found
}
