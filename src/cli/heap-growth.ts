/**
 * Keeps the memory of a command small while it works with little. V8 lets the garbage of a small heap grow to several times what
 * is in use before it collects it, because that costs the least CPU where there is memory. A run over a file of any size holds
 * a few dozen MiB, so collecting earlier is as fast and saves about 140 MiB (docs/internals/performance.md).
 *
 * Where much is in use, as with windows of many VMs, each collection has more to do. Then V8's own limits apply again.
 *
 * Node's documentation advises against changing V8's flags in a running process. V8 reads these two whenever it decides how far
 * the heap may grow, and nowhere else.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** The young generation keeps its first size, and the old one may grow by a quarter of what is in use. */
const SMALL = ['--semi-space-growth-factor=1', '--heap-growing-percent=25']
/** V8's defaults. */
const ANY = ['--semi-space-growth-factor=2', '--heap-growing-percent=0']
const LARGE_BYTES = 128 * 1024 * 1024
const CHECK_EVERY_MS = 200

/** Applies to the whole process, which must be that of the command alone. Does not keep the process alive. */
export function keepHeapSmall(): void {
  SMALL.forEach(setFlagsFromString)
  const timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size < LARGE_BYTES) return
    ANY.forEach(setFlagsFromString)
    clearInterval(timer)
  }, CHECK_EVERY_MS)
  timer.unref()
}
