/** What processes take of the machine, on one that is busy and one that comes and goes. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { cpus, totalmem } from 'node:os'
import { cpuSecondsOf } from '../../bench/peer/cpu.ts'
import { gatewayMemory, watchCpu } from '../../loadtest/runner/cpu.ts'

/** Is busy until it is killed. */
const busy = (): ChildProcess => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })

test.runIf(process.platform === 'linux')('CPU and memory of each name are told, whatever process has it', async () => {
  const stop = new AbortController()
  let gateway: ChildProcess | null = busy()
  const watching = watchCpu({ gateway: () => gateway?.pid ?? null, k6: () => null }, stop.signal)
  // It has had its share of the machine, however busy that is.
  const first = gateway
  await expect.poll(() => cpuTicks(first.pid as number), { timeout: 30_000 }).toBeGreaterThan(20)
  first.kill('SIGKILL')
  await once(first, 'exit')
  gateway = busy()
  const second = gateway
  await expect.poll(() => cpuTicks(second.pid as number), { timeout: 30_000 }).toBeGreaterThan(20)
  stop.abort()
  const usage = await watching
  second.kill('SIGKILL')
  if (usage === null) throw new Error('there is nothing to tell on Linux')
  // What the first one used after the last look at it is not known.
  expect(usage.total['gateway']).toBeGreaterThan(0.2)
  const seconds = usage.timeline.length
  expect(usage.total['gateway']).toBeLessThan(cpus().length * (seconds + 1))
  expect(usage.total['k6']).toBe(0)
  expect(usage.memoryMib).toHaveLength(seconds)
  const { middle, end, most } = gatewayMemory(usage)
  for (const mib of [middle, end]) expect(mib).toBeGreaterThan(10)
  expect(most).toBeGreaterThanOrEqual(end)
  expect(most).toBeLessThan(totalmem() / 2 ** 20)
})

test('of a gateway that was away nothing is told, and of none nothing at all', () => {
  const memoryMib = [{ gateway: 0 }, { gateway: 50 }, { gateway: 0 }, { gateway: 90 }, { gateway: 70 }]
  expect(gatewayMemory({ total: {}, timeline: [], memoryMib })).toEqual({ middle: 90, end: 70, most: 90 })
  expect(gatewayMemory({ total: {}, timeline: [], memoryMib: [] })).toEqual({ middle: 0, end: 0, most: 0 })
})

/** Hundredths of a second. */
async function cpuTicks(pid: number): Promise<number> {
  return Math.round((await cpuSecondsOf(pid)) * 100)
}
