/**
 * What a large JSON array costs as a file: CPU, time, and above all the highest resident memory, which must not grow with the
 * file. `windrow run` reads one file per form: the array on one line, pretty-printed, and as a member of an object
 * ({"records": [...]}), which also is pretty-printed. An element has about 480 bytes on one line: a point with a dozen tags. They
 * are read by a mapping.
 *
 *   npm run bench -- json-array [--megabytes 1024 --forms line,pretty,wrapped --vms 500]
 *
 * Printed per form: bytes, CPU and wall-clock seconds, and peak memory of the process. Fails unless every point counts once and
 * the peak is below 300 MB.
 * Does not measure the order of the records: the elements are in order of time.
 */
import { createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { measuredRun, summaryIn } from './process/measured-run.ts'

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1024' },
    forms: { type: 'string', default: 'line,pretty,wrapped' },
    vms: { type: 'string', default: '500' },
  },
})
const bytes = Number(values.megabytes) * 2 ** 20
const vms = Number(values.vms)
const MAX_PEAK_MIB = 300e6 / 2 ** 20
const START_MS = Date.UTC(2026, 0, 1)
const ELEMENTS_PER_WRITE = 500
const TAGS = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`label_${i}`, `${'value '.repeat(3)}${i}`]))

const folder = mkdtempSync(join(tmpdir(), 'windrow-json-array-'))

function element(i: number): object {
  const seq = Math.floor(i / vms)
  return {
    name: 'cpu',
    tags: { host: `vm-${String(i % vms).padStart(6, '0')}`, ...TAGS },
    at: (START_MS + seq * 10_000) / 1000,
    n: seq,
    reading: ((seq * 7919 + i) % 10_000) / 100,
  }
}

let points = 0

function* file(form: string): Generator<string> {
  const isWrapped = form === 'wrapped'
  const indent = form === 'line' ? undefined : 2
  yield isWrapped ? '{\n  "exported": "2026-01-02T00:00:00Z",\n  "records": [\n' : indent === undefined ? '[' : '[\n'
  let written = 0
  for (points = 0; written < bytes;) {
    const block = Array.from({ length: ELEMENTS_PER_WRITE }, (_, i) =>
      JSON.stringify(element(points + i), null, indent),
    ).join(indent === undefined ? ',' : ',\n')
    yield points === 0 ? block : `,${block}`
    points += ELEMENTS_PER_WRITE
    written += block.length
  }
  yield isWrapped ? '\n  ]\n}\n' : ']\n'
}

async function run(form: string): Promise<void> {
  const input = join(folder, `${form}.json`)
  await pipeline(Readable.from(file(form)), createWriteStream(input))
  const config = join(folder, `${form}.yaml`)
  const records = form === 'wrapped' ? ', records: "records[]"' : ''
  writeFileSync(
    config,
    `fields: { vmId: tags.host, metric: name, timestamp: { path: at, unit: s }, seq: n, value: reading${records} }\n`,
  )
  const flags = ['run', '--config', config, '--input', input, '--window', '1h', '--data-dir', join(folder, form)]
  const measured = await measuredRun([...flags, '--json'])
  const { seconds, cpuSeconds, maxRssMib } = measured
  const summary = summaryIn<{ points: { accepted: number } }>(measured)
  if (summary.points.accepted !== points)
    throw new Error(`${form}: ${summary.points.accepted} of ${points} points were accepted`)
  console.log(
    `${form}: ${Math.round(statSync(input).size / 2 ** 20)} MiB, ${points} points of ${vms} VMs, ` +
      `${cpuSeconds.toFixed(1)} s of CPU, ${seconds.toFixed(1)} s, peak of ${maxRssMib} MiB`,
  )
  rmSync(input)
  if (maxRssMib > MAX_PEAK_MIB) throw new Error(`${form}: the peak is above ${Math.round(MAX_PEAK_MIB)} MiB`)
}

try {
  for (const form of values.forms.split(',')) await run(form)
} finally {
  rmSync(folder, { recursive: true })
}
