/**
 * The page's API on a finished job: its answers equal the status, the results and the certificates; a change needs a token and is
 * recorded; hostile names stay data. The server listens on a port of its own, as `windrow ui` does.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Validator, type SpecData } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPageOptions } from '../../src/cli/page-options.ts'
import { readStatus } from '../../src/app/status/status.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type {
  HeatAnswer,
  JobAnswer,
  LettersAnswer,
  ProblemAnswer,
  VmAnswer,
  VmsAnswer,
  WindowAnswer,
  WindowsAnswer,
} from '../../src/page/answers.ts'
import { runHere } from '../support/run-here.ts'
import { linesIn, resultsIn } from '../support/windrow-process.ts'
import { openPage, TOKEN, type OpenedPage, type PageEvent } from './support.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)
const HOSTILE = '<img src=x onerror=alert(1)>/../"\u0000\u2028é'
const VMS = ['vm-a', 'vm-b', 'vm-c', HOSTILE]

/** Three windows: vm-b loses the seqs 1 and 2 of the second one, and one record of the input is no point. */
function inputLines(): string[] {
  const lines: string[] = []
  for (let window = 0; window < 3; window++) {
    const windowStart = START + window * HOUR
    for (const vmId of VMS) {
      const firstSeq = window * 4
      lines.push(JSON.stringify({ manifest: { vmId, windowStart, firstSeq, count: 4 } }))
      for (let index = 0; index < 4; index++) {
        if (vmId === 'vm-b' && window === 1 && (index === 1 || index === 2)) continue
        const timestamp = windowStart + index * 60_000
        lines.push(JSON.stringify({ vmId, metric: 'cpu', timestamp, seq: firstSeq + index, value: index + window }))
      }
    }
  }
  lines.push('{"vmId":"vm-a"}')
  return lines
}

let folder: string
let page: OpenedPage
let results: VmWindowResult[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-page-'))
  writeFileSync(join(folder, 'points.ndjson'), `${inputLines().join('\n')}\n`)
  const run = await runHere(['run', '--input', 'points.ndjson', '--window', '1h', '--partitions', '2'], folder)
  expect(run).toMatchObject({ code: 0 })
  results = resultsIn(join(folder, '.windrow', 'results.ndjson'))
  page = await openPage(join(folder, '.windrow'), { tokens: true })
}, 120_000)

afterAll(async () => {
  await page.close()
  rmSync(folder, { recursive: true, force: true })
})

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

test('the status is that of windrow status, byte for byte, and unchanged answers are not sent again', async () => {
  const { text, etag } = await page.get('/v1/status')
  expect(text).toBe(JSON.stringify(await readStatus(page.config, new AbortController().signal)))
  for (const path of ['/v1/status', '/v1/job', '/v1/windows', '/v1/open', '/v1/heat', '/v1/vms', '/v1/dead-letters']) {
    const first = await page.get(path)
    expect(await page.get(path, { 'if-none-match': first.etag })).toMatchObject({ status: 304, text: '' })
  }
  expect(etag).toMatch(/^".+"$/)
})

test('all answers of one snapshot name it', async () => {
  const job = await page.json<JobAnswer>('/v1/job')
  expect(job).toMatchObject({ partitions: 2, topic: null, process: 'idle', canAct: true, metrics: ['cpu'] })
  expect(job.index).toMatchObject({ state: 'ready', vmWindows: results.length, oldest: START, isTruncated: false })
  for (const path of ['/v1/windows', '/v1/open', '/v1/heat', '/v1/vms', `/v1/vms/vm-a/windows`, '/v1/dead-letters']) {
    expect(await page.json<{ snapshot: string }>(path)).toMatchObject({ snapshot: job.snapshot })
  }
})

test('the windows add up to the published results', async () => {
  const { windows, more } = await page.json<WindowsAnswer>('/v1/windows')
  expect(more).toBe(0)
  expect(sum(windows.map((one) => one.vmWindows))).toBe(results.length)
  expect(sum(windows.map((one) => one.received))).toBe(sum(results.map((one) => one.received)))
  expect(sum(windows.map((one) => one.missing))).toBe(2)
  expect(windows.filter((one) => !one.complete)).toHaveLength(1)
  const range = await page.json<WindowsAnswer>(`/v1/windows?from=${START + HOUR}&to=${START + 2 * HOUR}&limit=1`)
  expect(range.windows.map((one) => one.windowStart)).toEqual([START + HOUR])
  expect(range.more).toBe(windows.filter((one) => one.windowStart === START + HOUR).length - 1)
})

test.each(['partition', 'group', 'vm'] as const)('the heat map by %s has the same sums', async (by) => {
  const heat = await page.json<HeatAnswer>(`/v1/heat?by=${by}&groups=3`)
  expect(heat.windows.map(({ start }) => start)).toEqual([START, START + HOUR, START + 2 * HOUR])
  for (const column of [heat.total, heat.complete, heat.received, heat.missing]) {
    expect(column).toHaveLength(heat.rows.length * 3)
  }
  expect(heat.reason).toHaveLength(heat.rows.length * 3)
  expect(sum(heat.total)).toBe(results.length)
  expect(sum(heat.received)).toBe(sum(results.map((one) => one.received)))
  expect(sum(heat.missing)).toBe(2)
  expect([...heat.reason].filter((letter) => letter === 'g')).toHaveLength(1)
  if (by === 'vm') expect(heat.rows.map(({ key }) => key)).toEqual([...VMS].sort())
})

test('a window shows who holds it back, its records and its certificate with the chain', async () => {
  const { windows } = await page.json<WindowsAnswer>('/v1/windows')
  const { partition } = windows.find((one) => !one.complete) as { partition: number }
  const window = await page.json<WindowAnswer>(`/v1/windows/${partition}/${START + HOUR}`)
  expect(window).toMatchObject({ state: 'closed', trigger: 'grace', open: null, forced: null })
  expect(window.vms).toMatchObject({ total: 1, next: null })
  expect(window.vms.items[0]).toMatchObject({
    vmId: 'vm-b',
    missing: [[5, 6]],
    missingCount: 2,
    received: 2,
    expected: 4,
  })
  expect(window.certified).toMatchObject({ chain: 'holds', previous: { sequence: 1 }, next: { sequence: 3 } })
  const certificate = window.certified?.certificate
  const line = linesIn(join(folder, '.windrow', 'results.certificates.ndjson')).find((one) =>
    one.includes(certificate?.digest ?? '-'),
  )
  expect(JSON.parse(line ?? '')).toEqual(certificate)
  const before = JSON.parse(
    linesIn(join(folder, '.windrow', 'results.certificates.ndjson')).find((one) => {
      const { partition: other, sequence } = JSON.parse(one) as { partition: number; sequence: number }
      return other === partition && sequence === 1
    }) ?? '',
  ) as { counts: { consumed: number } }
  expect(window.records?.consumed).toBe((certificate?.counts.consumed ?? 0) - before.counts.consumed)
  const all = await page.json<WindowAnswer>(`/v1/windows/${partition}/${START + HOUR}?all=true&limit=1`)
  expect(all.vms.items.map(({ vmId }) => vmId)).toEqual(['vm-b'])
  expect(all.vms.total).toBe(window.closed?.vmWindows)
})

test('the results of a VM are those that were published, a hostile id included', async () => {
  for (const vmId of VMS) {
    const answer = await page.json<VmAnswer>(`/v1/vms/${encodeURIComponent(vmId)}/windows`)
    expect(answer.results.map(({ result }) => result)).toEqual(results.filter((one) => one.vmId === vmId))
    expect(answer).toMatchObject({ vmId, more: 0, open: [] })
    expect(answer.priorState).toEqual(results.findLast((one) => one.vmId === vmId)?.state)
  }
  const [vmId] = VMS
  const byPath = await page.json<VmAnswer>(`/v1/vms/${vmId}/windows`)
  expect(await page.json<VmAnswer>(`/v1/vms/-/windows?id=${vmId}`)).toEqual(byPath)
  const { headers } = await page.get(`/v1/vms/${encodeURIComponent(HOSTILE)}/windows`)
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  const list = await page.json<VmsAnswer>('/v1/vms?prefix=vm-&limit=2')
  expect(list).toMatchObject({ total: 3, next: 'vm-b' })
  expect((await page.json<VmsAnswer>('/v1/vms?prefix=vm-&limit=2&after=vm-b')).vms).toMatchObject([{ vmId: 'vm-c' }])
})

test('dead letters have their reason, place, bytes and remedy', async () => {
  const letters = await page.json<LettersAnswer>('/v1/dead-letters')
  expect(letters).toMatchObject({ total: 1, next: null, isTruncated: false })
  expect(Object.values(letters.byReason)).toEqual([1])
  expect(letters.items[0]).toMatchObject({ text: '{"vmId":"vm-a"}', isWhole: true, size: 15, isRetried: false })
  expect(letters.items[0]?.place).toBe(`points.ndjson:${inputLines().length}`)
  expect(letters.items[0]?.remedy).not.toBe('')
  expect((await page.json<LettersAnswer>('/v1/dead-letters?reason=too-late')).items).toEqual([])
})

describe('a change', () => {
  const path = async (): Promise<string> => {
    const { items } = await page.json<LettersAnswer>('/v1/dead-letters')
    return `/v1/dead-letters/${encodeURIComponent(items[0]?.id ?? '')}/retry`
  }
  const line = JSON.stringify({ vmId: 'vm-a', metric: 'cpu', timestamp: START, seq: 99, value: 1 })

  test('needs a token, and a reason', async () => {
    expect(await page.post(await path(), { why: 'repaired', line }, null)).toMatchObject({ status: 401 })
    expect(await page.post(await path(), { why: 'repaired', line }, 'x'.repeat(20))).toMatchObject({ status: 401 })
    expect(await page.post(await path(), { line })).toMatchObject({ status: 400 })
    const readOnly = await openPage(join(folder, '.windrow'), { tokens: false })
    expect(await readOnly.post(await path(), { why: 'repaired', line })).toMatchObject({ status: 403 })
    await readOnly.close()
    expect((await page.json<LettersAnswer>('/v1/dead-letters')).items[0]?.isRetried).toBe(false)
  })

  test('that cannot be carried out says why', async () => {
    const refused = await page.post(await path(), { why: 'again' })
    expect(refused).toMatchObject({ status: 422, body: { code: 'RETRY_IN_VAIN' } })
    const start = START + HOUR
    const closed = await page.post(`/v1/windows/0/${start}/close`, { why: 'now' })
    expect(closed).toMatchObject({ status: 200, body: { partition: 0, outcome: 'closed-before', windows: [] } })
  })

  test('is recorded with who and why', async () => {
    const done = await page.post(await path(), { why: 'the sensor was repaired', who: 'ann', line })
    expect(done).toMatchObject({ status: 200, body: { sent: true } })
    const text = readFileSync(join(folder, '.windrow', 'dead-letters.retry.ndjson'), 'utf8')
    expect(JSON.parse(text)).toMatchObject({ seq: 99, retryBy: 'ann (ops)', retryWhy: 'the sensor was repaired' })
    expect(page.orders).toEqual(
      expect.arrayContaining([expect.stringMatching(/^ann \(ops\) retried .*: the sensor was repaired$/)]),
    )
    expect((await page.json<LettersAnswer>('/v1/dead-letters')).items[0]?.isRetried).toBe(true)
    expect(await page.post(await path(), { why: 'twice', line })).toMatchObject({ status: 200, body: { sent: false } })
  })
})

test.each([
  ['/v1/vms/vm-z/windows', 404, 'NO_SUCH_VM'],
  [`/v1/windows/0/${START + 77 * HOUR}`, 404, 'NO_SUCH_WINDOW'],
  ['/v1/windows?limit=0', 400, 'BAD_PARAMETER'],
  ['/v1/windows/x/0', 400, 'BAD_PARAMETER'],
  ['/v1/heat?by=color', 400, 'BAD_PARAMETER'],
  ['/v1/nothing', 404, 'NO_SUCH_PATH'],
  ['/%', 400, 'BAD_REQUEST'],
])('%s is a problem with a remedy', async (path, status, code) => {
  const { status: actual, text, headers } = await page.get(path)
  expect(headers.get('content-type')).toContain('application/problem+json')
  expect({ status: actual, code: (JSON.parse(text) as ProblemAnswer).code }).toEqual({ status, code })
  expect((JSON.parse(text) as ProblemAnswer).remedy).not.toBe('')
})

test('the page is served under a policy that allows nothing but its own files', async () => {
  const { status, headers, text } = await page.get('/')
  expect(status).toBe(200)
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /)
  expect(headers.get('content-security-policy')).not.toContain('unsafe')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(text).not.toMatch(/<script>|https?:\/\//)
  const etag = headers.get('etag') ?? ''
  expect(await page.get('/', { 'if-none-match': etag })).toMatchObject({ status: 304 })
})

test('a request under the name of another host is refused', async () => {
  expect(await page.getAs('rebound.example:80', '/v1/status')).toBe(421)
  expect(await page.getAs('localhost:1', '/v1/status')).toBe(200)
})

test('where other machines can connect, reading needs a token, and a change needs it as a bearer', async () => {
  const dataDir = join(folder, '.windrow')
  expect(() => readPageOptions({ dataDir, host: '0.0.0.0' }, {})).toThrow(/--token-file: is missing/)
  const open = await openPage(dataDir, { tokens: true, host: '0.0.0.0' })
  const basic = { authorization: `Basic ${Buffer.from(`anyone:${TOKEN}`).toString('base64')}` }
  for (const path of ['/', '/assets/page.js', '/v1/status', '/v1/events', '/openapi.json', '/v1/nothing']) {
    const { status, headers } = await open.get(path)
    expect({ path, status }).toEqual({ path, status: 401 })
    expect(headers.get('www-authenticate')).toMatch(/^Basic /)
  }
  expect(await open.get('/v1/job', { authorization: 'Basic bm86dG9rZW4=' })).toMatchObject({ status: 401 })
  expect(await open.get('/', basic)).toMatchObject({ status: 200 })
  expect(await open.get('/v1/job', basic)).toMatchObject({ status: 200 })
  expect(await open.get('/v1/job', { authorization: `Bearer ${TOKEN}` })).toMatchObject({ status: 200 })
  // A browser sends the password on its own, also when another site made it send the request.
  const sent = await fetch(`${open.url}/v1/windows/0/0/close`, { method: 'POST', headers: basic })
  expect(sent.status).toBe(401)
  await open.close()
})

test('results that are elsewhere are no empty page: it says what to pass, and so does the command', async () => {
  const elsewhere = await openPage(join(folder, '.windrow'), { tokens: false, results: join(folder, 'other.ndjson') })
  await elsewhere.until(async () => (await elsewhere.json<JobAnswer>('/v1/job')).index.state === 'elsewhere')
  const { index } = await elsewhere.json<JobAnswer>('/v1/job')
  expect(index.problem).toMatch(
    /^6 windows have closed, but file .*other\.ndjson has none of their results\. .*--results/,
  )
  expect(elsewhere.hints).toEqual([index.problem])
  await elsewhere.close()
})

test('the document is valid OpenAPI, and every answer has the required members', async () => {
  const document = await page.json<Document>('/openapi.json')
  const { valid, errors } = await new Validator().validate(document as unknown as SpecData)
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema({ $id: 'doc', components: document.components })
  const examples: Readonly<Record<string, string>> = {
    '/v1/windows/{partition}/{start}': (await page.json<WindowsAnswer>('/v1/windows')).windows
      .slice(0, 1)
      .map((one) => `/v1/windows/${one.partition}/${one.windowStart}`)
      .join(''),
    '/v1/vms/{id}/windows': '/v1/vms/vm-a/windows',
  }
  const reads = Object.entries(document.paths).filter(([path, { get }]) => get !== undefined && path !== '/v1/events')
  expect(reads.length).toBeGreaterThan(9)
  for (const [path, { get }] of reads) {
    const schema = get?.responses['200']?.content['application/json']?.schema.$ref
    if (schema === undefined) continue
    const isValid = ajv.validate({ $ref: `doc${schema}` }, await page.json(examples[path] ?? path))
    expect({ path, isValid, errors: ajv.errors }).toEqual({ path, isValid: true, errors: null })
  }
})

interface Document {
  readonly components: object
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get?: {
          readonly responses: Readonly<
            Record<
              string,
              { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>> }
            >
          >
        }
      }
    >
  >
}

test('a job and a folder that do not exist are clean errors, and the page is served meanwhile', async () => {
  const unknown = await openPage(join(folder, '.windrow'), { tokens: false, job: 'other' })
  expect(JSON.parse((await unknown.get('/v1/job')).text)).toMatchObject({ status: 404, code: 'NO_JOB' })
  await unknown.close()
  const empty = await openPage(join(folder, 'nowhere'), { tokens: false })
  expect(JSON.parse((await empty.get('/v1/windows')).text)).toMatchObject({ status: 404, code: 'NO_STATE' })
  expect((await empty.get('/')).status).toBe(200)
  await empty.close()
})

test('a stream resumes after its last event, at another process too', async () => {
  const isClosed = ({ kind }: PageEvent): boolean => kind === 'closed'
  const all = await page.events('0.0', 6, isClosed)
  expect(all.map(({ kind }) => kind)).toEqual(['hello', ...Array<string>(6).fill('closed')])
  const sequences = all.slice(1).map(({ data }) => data as { partition: number; sequence: number })
  expect(new Set(sequences.map(({ partition, sequence }) => `${partition}.${sequence}`)).size).toBe(6)
  const third = all[3]?.id as string
  const restarted = await openPage(join(folder, '.windrow'), { tokens: false })
  const rest = await restarted.events(third, 3, isClosed)
  expect(rest.slice(1)).toEqual(all.slice(4))
  expect(rest[0]?.data).not.toEqual(all[0]?.data)
  await restarted.close()
})
