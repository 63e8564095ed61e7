// Preloaded into a measured process (node --import): on exit, one line of what it used, on file descriptor 3.
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

// Threads are preloaded too; the figures are of the whole process, so one line is enough.
if (isMainThread)
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
    const usage = { maxRssMib: Math.round(maxRSS / 1024), cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }
    writeSync(3, JSON.stringify(usage))
  })
