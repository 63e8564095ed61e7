// Preloaded into a measured process (node --import): on exit it writes one line with its resource usage to file descriptor 3.
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

// Also preloaded into worker threads; the figures are of the whole process, so only the main thread writes them. And into the
// process that serves the page of a run, whose descriptor 3 is its channel to the run.
if (isMainThread && process.send === undefined)
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
    const usage = { maxRssMib: Math.round(maxRSS / 1024), cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }
    writeSync(3, JSON.stringify(usage))
  })
