/**
 * Measures the whole embedded path: a million points of 5,000 VMs as an Avro container file, one day in one-day windows,
 * one workflow instance per VM window, all state durable. It runs the command as a user does and measures it from start
 * to exit.
 *
 *   npm run bench -- embedded [--points 1000000 --vms 5000 --runs 3]
 *
 * It does not measure Kafka or daprd, and the input is in the page cache.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import avro from 'avsc'
import { loadSchemas } from '../src/adapters/avro/schemas.ts'
import type { JobSummary } from '../src/app/types.ts'
import { measuredRun, summaryIn, type MeasuredRun } from './process/measured-run.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1000000' },
    vms: { type: 'string', default: '5000' },
    runs: { type: 'string', default: '3' },
    grain: { type: 'string', default: '1' },
  },
})
const [points, vms, runs] = [Number(values.points), Number(values.vms), Number(values.runs)]
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)

async function writeInput(path: string): Promise<void> {
  const schema = (name: string): avro.Schema =>
    loadSchemas()
      .find((one) => one.name === name && one.current)
      ?.type.schema() as avro.Schema
  const union = avro.Type.forSchema([schema('data-point'), schema('window-manifest')] as avro.Schema, {
    wrapUnions: true,
  })
  const encoder = new avro.streams.BlockEncoder(union)
  encoder.pipe(createWriteStream(path))
  const write = async (record: unknown): Promise<void> => {
    if (!encoder.write(record)) await new Promise((resume) => encoder.once('drain', resume))
  }
  const perVm = points / vms
  for (let seq = 0; seq < perVm; seq++) {
    for (let vm = 0; vm < vms; vm++) {
      const value = 50 + 40 * Math.sin((seq / perVm) * 2 * Math.PI + vm) + ((seq * 7919 + vm * 104_729) % 1000) / 100
      const timestamp = START_MS + Math.floor((seq * DAY_MS) / perVm)
      await write({ 'windrow.DataPoint': { vmId: `vm-${vm}`, producer: '', metric: 'cpu', timestamp, seq, value } })
    }
  }
  for (let vm = 0; vm < vms; vm++) {
    await write({
      'windrow.WindowManifest': {
        vmId: `vm-${vm}`,
        producer: '',
        windowStart: START_MS,
        firstSeq: { long: 0 },
        count: perVm,
        last: false,
        counts: 'samples',
        metrics: null,
        corrects: false,
        replaces: false,
      },
    })
  }
  encoder.end()
  await finished(encoder)
}

async function measure(input: string, folder: string): Promise<MeasuredRun> {
  const dataDir = mkdtempSync(join(folder, 'run-'))
  const grain = ['--vms-per-workflow', values.grain]
  return measuredRun(['run', '--input', input, '--window', '1d', '--data-dir', dataDir, ...grain, '--json'])
}

const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'))
try {
  const input = join(folder, 'points.avro')
  await writeInput(input)
  console.log(`${points} points of ${vms} VMs, ${vms} manifests; ${runs} runs`)
  for (let run = 1; run <= runs; run++) {
    const measured = await measure(input, folder)
    const { seconds, cpuSeconds, maxRssMib } = measured
    const summary = summaryIn<JobSummary>(measured)
    if (summary.points.accepted !== points || summary.vmWindows !== vms) throw new Error(JSON.stringify(summary))
    const line = [
      `run ${run}: ${seconds.toFixed(2)} s`,
      `${Math.round(points / seconds)} points/s`,
      `${cpuSeconds.toFixed(1)} s CPU`,
      `peak ${maxRssMib} MiB`,
    ]
    console.log(line.join(', '))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
