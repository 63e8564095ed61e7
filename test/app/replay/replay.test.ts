/** `windrow replay` of a job on the embedded sidecar: of an unchanged job, of a tampered result, of a range, and dry. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReplayReport } from '../../../src/app/replay/replay.ts'
import type { Certificate } from '../../../src/core/certificate.ts'
import type { VerifyReport } from '../../../src/verify/report.ts'
import { ensureBuilt } from '../../support/built.ts'
import { exampleOf, runLine } from '../../support/help-example.ts'
import { argumentsOf, runHere } from '../../support/run-here.ts'
import { samplePoints } from '../../support/sample-points.ts'
import { linesIn } from '../../support/windrow-process.ts'

let folder: string
beforeAll(async () => {
  ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'windrow-replay-'))
  writeFileSync(join(folder, 'points.ndjson'), samplePoints({ windows: 1 }))
  expect(await windrow('run --input points.ndjson --window 5m --json')).toMatchObject({ code: 0 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const windrow = (line: string) => runHere(argumentsOf(line), folder)
const at = (path: string) => join(folder, path)
const replay = 'replay --input points.ndjson --window 5m --json'
const reportOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as ReplayReport

describe.sequential('a replay', () => {
  test('with the example of --help produces the same bytes and digests, and does not change the job', async () => {
    const before = readFileSync(at('.windrow/results.ndjson'), 'utf8')
    const ended = await runLine(exampleOf('replay'), folder)
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toContain('the replay is the same\n')
    expect(linesIn(at('.windrow/replays/again/results.ndjson')).sort()).toEqual(before.trimEnd().split('\n').sort())
    expect(readFileSync(at('.windrow/results.ndjson'), 'utf8')).toBe(before)
    const digests = (path: string) =>
      linesIn(at(path)).map((line) => {
        const { partition, sequence, digest } = JSON.parse(line) as Certificate
        return `${partition} ${sequence} ${digest}`
      })
    const again = digests('.windrow/replays/again/results.certificates.ndjson')
    expect(again.sort()).toEqual(digests('.windrow/results.certificates.ndjson').sort())
  })

  test('of a range compares only its windows; a dry run writes nothing', async () => {
    const whole = linesIn(at('.windrow/results.ndjson')).map((line) => JSON.parse(line) as { windowStart: number })
    const last = Math.max(...whole.map(({ windowStart }) => windowStart))
    const time = new Date(last).toISOString().replace('.000', '')
    const ended = await windrow(`${replay} --dry-run --to ${time}`)
    expect(ended).toMatchObject({ code: 0 })
    const { results, difference, certificates } = reportOf(ended)
    expect(results).toBeNull()
    expect(difference.equal).toBe(whole.filter(({ windowStart }) => windowStart < last).length)
    expect(certificates.equal).toBe(certificates.compared)
    expect(existsSync(at('.windrow/replays/dry_run'))).toBe(false)
  })

  test('fails and names the result that does not follow from the records', async () => {
    const lines = readFileSync(at('.windrow/results.ndjson'), 'utf8').split('\n')
    const victim = lines.findIndex((line) => /"received":[1-8],/.test(line))
    const { vmId, received } = JSON.parse(lines[victim] ?? '') as { vmId: string; received: number }
    lines[victim] = (lines[victim] ?? '').replace(`"received":${received},`, `"received":${received + 1},`)
    writeFileSync(at('.windrow/results.ndjson'), lines.join('\n'))
    const ended = await windrow(`${replay} --dry-run`)
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('REPLAY_DIFFERS: the replay differs in 1 VM windows')
    expect(reportOf(ended).difference).toMatchObject({
      ...{ differing: 1, onlyLive: 0, onlyReplay: 0 },
      first: [{ vmId, kind: 'differs', fields: [{ field: 'received', live: received + 1, replay: received }] }],
    })
  })
})

describe.sequential('a promotion', () => {
  const promoting = `${replay} --into repair --promote --by ann --why 'the file was edited'`
  const verify = 'verify --input points.ndjson --window 5m --json'

  test('needs an owner: without a run it fails or stores the request, and verify reports only the tampered result', async () => {
    expect(await windrow(verify)).toMatchObject({ code: 1 })
    const refused = await windrow(promoting)
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('NO_OWNER: partitions without an owner: ')
    const left = await windrow(`${promoting} --leave`)
    expect(left).toMatchObject({ code: 0 })
    expect(reportOf(left).promotion).toMatchObject({ promoted: 0, partitions: [{ outcome: 'left' }] })
  })

  test('is executed by the next run: the result follows from the records, and verify and replay succeed again', async () => {
    const before = linesIn(at('.windrow/results.ndjson')).length
    const run = await windrow('run --input points.ndjson --window 5m')
    expect(run).toMatchObject({ code: 0 })
    expect(run.stderr).toContain("ann promotes a replay's results of 1 windows of partition ")
    const added = linesIn(at('.windrow/results.ndjson')).slice(before)
    expect(added.map((line) => JSON.parse(line) as object)).toMatchObject([{ revision: 2, promoted: { by: 'ann' } }])
    const verified = await windrow(verify)
    expect(verified).toMatchObject({ code: 0 })
    const { differenceCount, notes } = JSON.parse(verified.stdout) as VerifyReport
    expect(differenceCount).toBe(0)
    expect(notes.join()).toContain('promoted 1 results of the replay repair (ann: the file was edited)')
    const again = await windrow(promoting)
    expect(again).toMatchObject({ code: 0 })
    const { difference, certificates, promotion } = reportOf(again)
    expect(difference).toMatchObject({ differing: 0, onlyLive: 0, onlyReplay: 0 })
    expect(certificates.equal).toBe(certificates.compared)
    expect(promotion).toMatchObject({ promoted: 0, following: 0, partitions: [] })
  })

  test('is checked itself: a changed or invented promotion is found', async () => {
    const path = at('.windrow/results.ndjson')
    const text = readFileSync(path, 'utf8')
    const promoted = text.split('\n').find((line) => line.includes('"promoted":{')) ?? ''
    const { received } = JSON.parse(promoted) as { received: number }
    writeFileSync(
      path,
      text.replace(promoted, promoted.replace(`"received":${received},`, `"received":${(received + 1) % 10},`)),
    )
    const changed = await windrow(verify)
    expect(changed).toMatchObject({ code: 1 })
    expect((JSON.parse(changed.stdout) as VerifyReport).differences.map(({ field }) => field)).toContain('received')
    // A promotion without a certificate replaces nothing.
    writeFileSync(path, text.replace(promoted, promoted.replace(/"certificate":\d+/, '"certificate":99999')))
    expect(await windrow(verify)).toMatchObject({ code: 1 })
    writeFileSync(path, text)
    expect(await windrow(verify)).toMatchObject({ code: 0 })
  })

  test('reports all problems of its arguments at once', async () => {
    const { code, stderr } = await windrow(`${replay} --dry-run --promote --from 5`)
    expect(code).toBe(2)
    for (const place of ['--promote', '--from', '--by', '--why']) expect(stderr).toContain(`  ${place}: `)
  })
})

test('all problems of the arguments are reported before anything is done', async () => {
  const { code, stderr } = await windrow('replay --input - --window 5m --from never --into windrow')
  expect(code).toBe(2)
  for (const place of ['--input', '--from', '--into']) expect(stderr).toContain(`  ${place}: `)
})

test('a replay of a job without closed windows is an error', async () => {
  const ended = await windrow(`${replay} --into again --data-dir elsewhere`)
  expect(ended).toMatchObject({ code: 1 })
  expect(ended.stderr).toContain('NOTHING_PUBLISHED')
})
