/** The commands of docs/start.md, from no stack to results in a topic, run as they are printed in a folder like a fresh clone. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fences, pageAt } from '../docs/pages.ts'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { openStack } from '../../src/dev/stack/index.ts'
import { committedValues, exactOf, resultsOf, type Exact } from './run-support.ts'
import { newStackDir, removeStack } from './stack-folder.ts'

const WINDOW_MS = 3_600_000
const commands = fences(pageAt('docs/start.md').text.split('\n## On Kafka').at(-1) ?? '', 'console')
  .flatMap((block) => block.trimEnd().split(/(?<!\\)\n/))
  .filter((command) => !command.startsWith('$'))

let clone: string
beforeAll(async () => {
  ensureBuilt()
  clone = await newStackDir()
  const names = readdirSync(ROOT).filter((name) => !name.startsWith('.'))
  for (const name of names) symlinkSync(join(ROOT, name), join(clone, name))
})
afterAll(async () => {
  await removeStack(join(clone, '.windrow-stack'))
  await removeStack(clone)
})

it('brings up a stack, fills a topic and publishes the exact results of what is in it', async () => {
  expect(commands.map((command) => /npx windrow \w+/.exec(command)?.[0])).toEqual([
    'npx windrow stack',
    'npx windrow produce',
    'npx windrow run',
  ])
  for (const command of commands) await promisify(execFile)('bash', ['-ec', command], { cwd: clone })

  const stack = await openStack(join(clone, '.windrow-stack'))
  const lines = readFileSync(join(ROOT, 'examples/points.ndjson'), 'utf8').trimEnd().split('\n')
  const promised = new Map(lines.flatMap(manifestOf))
  const published = (await resultsOf(stack, 'vm')).map((one) => {
    const { count, sum, min, max } = one.metrics['cpu'] as Exact
    const { received, expected, missingCount } = one
    return [`${one.vmId}@${one.windowStart}`, { count, sum, min, max, received, expected, missingCount }] as const
  })
  const exact = [...exactOf(lines, WINDOW_MS)].map(([key, one]) => {
    const expected = promised.get(key) ?? Number.NaN
    return [key, { ...one, received: one.count, expected, missingCount: expected - one.count }] as const
  })
  expect(published.toSorted(byKey)).toEqual(exact.toSorted(byKey))
  expect(await committedValues(stack, 'vm-dead-letters')).toEqual([])
})

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

function manifestOf(line: string): [key: string, count: number][] {
  const { manifest } = JSON.parse(line) as { manifest?: { vmId: string; windowStart: number; count: number } }
  return manifest === undefined ? [] : [[`${manifest.vmId}@${manifest.windowStart}`, manifest.count]]
}
