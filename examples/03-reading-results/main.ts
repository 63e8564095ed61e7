/** Reads published results, and lists the VM windows that closed with points missing. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readResults, run } from 'windrow'

const folder = mkdtempSync(join(tmpdir(), 'windrow-'))
const results = join(folder, 'results.ndjson')
await run({ settings: { input: '../points.ndjson', window: '1h', dataDir: folder, results } })

let complete = 0
// While a job runs, this reads everything that it has published so far.
for await (const result of readResults(results)) {
  if (result.reason === 'complete') {
    complete++
    continue
  }
  const seqs = result.missing.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`))
  console.log(
    `${result.vmId} at ${new Date(result.windowStart).toISOString()}: closed by ${result.reason} with ` +
      `${result.received} of ${result.expected} points, seq ${seqs.join(', ')} missing`,
  )
}
console.log(`${complete} VM windows are complete`)
