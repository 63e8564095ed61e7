/** The unchanged compose.yaml: its services come up, a job on them gives exact results, and nothing of them stays. */
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { decodeResults, exactOf, expectExact, LENGTH_AND_VALUE, splitValues } from '../stack/run-support.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { samplePoints } from '../support/sample-points.ts'
import { startCompose, type Compose } from './compose.ts'

const BROKERS = '127.0.0.1:9092'
const TOPIC = 'vm-telemetry'

let compose: Compose
let folder: string
beforeAll(async () => {
  ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'windrow-compose-'))
  compose = await startCompose()
})
afterEach(() => compose.down())
afterAll(async () => {
  await compose.stop()
  await rm(folder, { recursive: true, force: true })
})

/** The command line with the sidecar that compose.yaml publishes; throws unless it ends well. */
async function windrow(...args: readonly string[]): Promise<string> {
  const env = { DAPR_GRPC_PORT: '9111', WINDROW_DATA_DIR: folder, npm_lifecycle_event: undefined }
  const { code, stdout, stderr } = await compose.run(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args], {
    env,
  })
  if (code !== 0) throw new Error(`windrow ${args.join(' ')} ended with ${code}: ${stderr.slice(-4000)}`)
  return stdout.toString()
}

async function published(topic: string): Promise<Buffer[]> {
  const args = ['-C', '-b', BROKERS, '-t', topic, '-o', 'beginning', '-e', '-q', '-X', 'isolation.level=read_committed']
  const { code, stdout, stderr } = await compose.run('kcat', [...args, '-f', LENGTH_AND_VALUE])
  if (code !== 0) throw new Error(`kcat ended with ${code}: ${stderr}`)
  return splitValues(stdout)
}

// The second run begins with nothing of the first.
it.each(['redis', 'postgres'] as const)('a job with its state in %s publishes exact results', async (state) => {
  await compose.up(state)
  expect(compose.services).toContain('daprd')

  const text = samplePoints()
  const input = join(folder, 'points.ndjson')
  writeFileSync(input, text)
  await windrow('produce', '--brokers', BROKERS, '--topic', TOPIC, '--partitions', '8', '--input', input)
  const job = ['--brokers', BROKERS, '--topic', TOPIC, '--job', 'vm', '--window', '1h']
  await windrow('run', '--source', 'kafka', '--sidecar', 'dapr', ...job, '--once')

  const exact = exactOf(text.trimEnd().split('\n'), 3_600_000)
  expect(exact.size).toBe(9)
  expectExact(await decodeResults(await published('vm-results')), exact)
  expect(await published('vm-dead-letters')).toEqual([])
  const { differenceCount, compared } = JSON.parse(await windrow('verify', ...job, '--json')) as VerifyReport
  expect({ differenceCount, vmWindows: compared.vmWindows, points: compared.points.equal }).toEqual({
    differenceCount: 0,
    vmWindows: { compared: 9, equal: 9, different: 0 },
    points: 108,
  })
  expect(await compose.down()).toEqual([])
})
