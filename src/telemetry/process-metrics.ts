/** Metrics of the process: event loop, CPU and memory. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Instruments } from './instruments.ts'

/** Resolution of event loop delays; shorter delays are not measured. */
const RESOLUTION_MS = 10

/** Starts measuring; returns a function that stops it. */
export function observeProcess(instruments: Instruments): () => void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  let utilization = performance.eventLoopUtilization()
  let cpuMicros = 0
  instruments.onCollect((set) => {
    // The histogram includes its own timer interval in each delay.
    const delay = (nanos: number): number => Math.max(0, nanos / 1e9 - RESOLUTION_MS / 1000)
    if (delays.count > 0) {
      set('eventLoopDelayMean', delay(delays.mean))
      set('eventLoopDelayP99', delay(delays.percentile(99)))
      set('eventLoopDelayMax', delay(delays.max))
      delays.reset()
    } else for (const key of ['eventLoopDelayMean', 'eventLoopDelayP99', 'eventLoopDelayMax'] as const) set(key, 0)
    const now = performance.eventLoopUtilization()
    set('eventLoopUtilization', performance.eventLoopUtilization(now, utilization).utilization)
    utilization = now
    const { user, system } = process.cpuUsage()
    instruments.add('cpuTime', (user + system - cpuMicros) / 1e6)
    cpuMicros = user + system
    set('memory', process.memoryUsage.rss())
  })
  return () => delays.disable()
}
