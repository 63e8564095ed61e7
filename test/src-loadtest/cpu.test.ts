/** CPU and memory of processes, measured on a busy process and on one that is replaced. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { cpus, totalmem } from 'node:os'
import { cpuSecondsOf } from '../../bench/peer/cpu.ts'
import { gatewayMemory, watchCpu } from '../../loadtest/runner/cpu.ts'

/** A process that uses a whole CPU until it is killed. */
const busy = (): ChildProcess => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })

test.runIf(process.platform === 'linux')(
  'CPU and memory are measured per name, across a change of its process',
  async () => {
    const stop = new AbortController()
    let gateway: ChildProcess | null = busy()
    const watching = watchCpu({ gateway: () => gateway?.pid ?? null, k6: () => null }, stop.signal)
    // Wait until it has used CPU, on however busy a machine.
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
    if (usage === null) throw new Error('there is no usage on Linux')
    // The CPU time of the first one after its last measurement is unknown.
    expect(usage.total['gateway']).toBeGreaterThan(0.2)
    const seconds = usage.timeline.length
    expect(usage.total['gateway']).toBeLessThan(cpus().length * (seconds + 1))
    expect(usage.total['k6']).toBe(0)
    expect(usage.memoryMib).toHaveLength(seconds)
    const { middle, end, most } = gatewayMemory(usage)
    for (const mib of [middle, end]) expect(mib).toBeGreaterThan(10)
    expect(most).toBeGreaterThanOrEqual(end)
    expect(most).toBeLessThan(totalmem() / 2 ** 20)
  },
)

test('memory figures skip seconds without a gateway, and are 0 if there was none', () => {
  const memoryMib = [{ gateway: 0 }, { gateway: 50 }, { gateway: 0 }, { gateway: 90 }, { gateway: 70 }]
  expect(gatewayMemory({ total: {}, timeline: [], memoryMib })).toEqual({ middle: 90, end: 70, most: 90 })
  expect(gatewayMemory({ total: {}, timeline: [], memoryMib: [] })).toEqual({ middle: 0, end: 0, most: 0 })
})

/** Hundredths of a second. */
async function cpuTicks(pid: number): Promise<number> {
  return Math.round((await cpuSecondsOf(pid)) * 100)
}
