/**
 * Runs the examples of docs/reference/results.md, "Reading results", as they are printed there, on results that tools
 * misread if they infer types: each must find the newest revisions with their exact values. Parquet is read by three
 * programs that share no code with its writer.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFilePublisherFactory } from '../../src/adapters/files/result-file.ts'
import { nodeFileSystem } from '../../src/adapters/files/file-system.ts'
import type { AtomicPublishers } from '../../src/ports/index.ts'
import { createParquetPublishers } from '../../src/sinks/parquet/publisher.ts'
import { openPostgresSink } from '../../src/sinks/postgres/open.ts'
import { companionTable, parsePostgres, type PostgresSetting } from '../../src/sinks/postgres/setting.ts'
import { ROOT } from '../support/built.ts'
import { batchOf, HOUR_MS, resultOf } from '../sinks/batches.ts'
import { postgresServer } from './postgres-server.ts'
import { pythonWithPackages } from './reading/python.ts'

/** DuckDB infers types from 20,480 lines, polars from 100. */
const WHOLE_NUMBERS = 21_000
const START = Date.UTC(2026, 2, 1, 23)

/** All means are 2, then come a fraction, a metric that the lines before lack, and a VM on the next day. */
const first = Array.from({ length: WHOLE_NUMBERS }, (_, index) => ({
  ...resultOf(String(index).padStart(5, '0'), START, 1, 2),
  expected: null,
}))
const second = [
  resultOf('00007', START, 2, 2.5),
  resultOf('late', START + HOUR_MS, 1, { cpu: 0.1 + 0.2, 'disk.used': 3 }),
]
const BATCHES = [batchOf(1, first), batchOf(2, second)]

/** The newest revision of each VM window: its VM, start, revision and mean. */
type Latest = readonly [vm: string, start: string, revision: number, mean: number]
const expected: readonly Latest[] = [...first.filter(({ vmId }) => vmId !== '00007'), ...second]
  .map(({ vmId, windowStart, revision, metrics }): Latest => {
    const { mean } = (metrics as Record<string, { mean: number }>)['cpu'] as { mean: number }
    return [vmId, new Date(windowStart).toISOString(), revision, mean]
  })
  .sort()

interface Example {
  readonly heading: string
  readonly language: string
  readonly code: string
}

/** The code blocks of the section, each with the heading above it. */
function examplesIn(page: string): readonly Example[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const section = text.slice(text.indexOf('\n## Reading results\n')).split(/\n## (?!Reading)/)[0] ?? ''
  return section.split('\n### ').flatMap((part) =>
    [...part.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language = '', code = '']) => ({
      ...{ heading: part.split('\n', 1)[0] ?? '', language, code },
    })),
  )
}

const examples = examplesIn('docs/reference/results.md')
const inLanguage = (language: string): Example[] => examples.filter((one) => one.language === language)

const server = postgresServer()
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-reading-'))
  const at = (name: string): string => join(folder, name)
  const results = parsePostgres(server().url('table=vm_results')) as PostgresSetting
  const companions = {
    deadLetters: companionTable(results, '_dead_letters'),
    certificates: companionTable(results, '_certificates'),
  }
  const table = await openPostgresSink({ results, ...companions }, 'test')
  const publishers = [
    createFilePublisherFactory({
      ...{ job: 'test', results: at('results.ndjson') },
      ...{ deadLetters: at('dead-letters.ndjson'), certificates: at('certificates.ndjson') },
    }),
    createParquetPublishers({
      ...{ files: nodeFileSystem, job: 'test', folder: at('fleet'), deadLetters: at('fleet/dead-letters') },
    }),
    table.publishers as AtomicPublishers,
  ]
  for (const one of publishers) {
    const publisher = await one.open(0)
    for (const batch of BATCHES) await publisher.publish(batch)
    await publisher.close()
  }
  await table.close?.()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('the page has two examples of DuckDB, and three each of pandas and polars', () => {
  const ofTools = examples.filter(({ language }) => language !== 'ts').map(({ heading }) => heading)
  expect(ofTools).toEqual(['DuckDB', 'DuckDB', 'pandas', 'pandas', 'pandas', 'polars', 'polars', 'polars'])
})

describe('DuckDB', () => {
  async function query(sql: string): Promise<readonly unknown[][]> {
    const database = await DuckDBInstance.create(':memory:')
    const connection = await database.connect()
    try {
      await connection.run(`SET TimeZone = 'UTC'`)
      await connection.run(`SET file_search_path = '${folder}'`)
      return (await connection.runAndReadAll(sql)).getRowsJson()
    } finally {
      connection.closeSync()
      database.closeSync()
    }
  }

  it.each(inLanguage('sql').map(({ code }) => [code]))(
    'reads the newest revisions with their values: %s',
    async (code) => {
      const rows = await query(`SELECT COLUMNS(*)::VARCHAR FROM (${code})`)
      const latest = rows.map(([vm, start, revision, mean]): Latest => [
        ...([String(vm), new Date(`${String(start).slice(0, 19)}Z`).toISOString()] as const),
        ...([Number(revision), Number(mean)] as const),
      ])
      expect(latest.sort()).toEqual(expected)
    },
  )

  it('misreads a file whose types it infers, as the page says', async () => {
    const [row] = await query(`SELECT metrics.cpu.mean FROM 'results.ndjson' WHERE vmId = '00007' AND revision = 2`)
    expect(row).toEqual(['2'])
  })
})

/** Appended to each example: prints `latest`, whose columns are called as in a file or as in a table. */
const PRINT = `
import sys as _sys, json as _json
_rows = latest.to_dict('records') if hasattr(latest, 'to_dict') and not hasattr(latest, 'to_dicts') else latest.to_dicts()
_first = lambda row, *names: next(row[name] for name in names if name in row)
_sys.stdout.write('\\n---\\n' + _json.dumps([[
    _first(row, 'vmId', 'vm_id'),
    round(_first(row, 'windowStart', 'window_start').timestamp() * 1000),
    _first(row, 'revision'),
    _first(row, 'metrics.cpu.mean', 'mean'),
] for row in _rows]))
`

describe('Python', () => {
  const run = promisify(execFile)
  let python: string
  beforeAll(async () => void (python = await pythonWithPackages()))

  const cases = inLanguage('python').map(({ heading, code }) => [heading, code] as const)
  it.each(cases)('with %s reads the newest revisions with their values: %s', async (_heading, code) => {
    const uri = server().url('').replace('postgres://', 'postgresql://').replace(/\?$/, '')
    const script = `${code.replace('postgresql://windrow@db/fleet', uri)}${PRINT}`
    const { stdout } = await run(python, ['-c', script], { cwd: folder, maxBuffer: 2 ** 26 })
    const rows = JSON.parse(stdout.split('\n---\n')[1] as string) as [string, number, number, number][]
    const latest = rows.map(([vm, start, revision, mean]): Latest => [
      vm,
      new Date(start).toISOString(),
      revision,
      mean,
    ])
    expect(latest.sort()).toEqual(expected)
  })

  it('with polars stops at a file whose types it infers, as the page says', async () => {
    const script = `import polars as pl; pl.read_ndjson('results.ndjson')`
    await expect(run(python, ['-c', script], { cwd: folder })).rejects.toThrow('ComputeError')
  })
})
