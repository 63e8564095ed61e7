/** The configuration that `windrow stack up --with prometheus` writes is valid and lists every target of the stack. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { describeDaprd, describeStack, type StackDescription } from '../../src/dev/stack/description.ts'
import { prometheusService } from '../../src/dev/stack/prometheus.ts'

let dataDir: string
beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'windrow-prometheus-'))))
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

function stackOf(daprds: number): StackDescription {
  const stack = describeStack(
    { dataDir, portBase: 21_000, state: 'redis' },
    { tools: {} as StackDescription['tools'], kafkaJars: '', daprPrograms: '' },
  )
  return {
    ...stack,
    daprds: Array.from({ length: daprds }, (_, index) => describeDaprd(stack, index, 'windrow', 'redis')),
  }
}
const partOf = (daprds: number) => prometheusService(stackOf(daprds), { path: '/usr/bin/prometheus', version: '0' })
const targetsFile = (): string => join(dataDir, 'prometheus', 'targets.json')

test('the targets are processor, gateway, each daprd and the scheduler, with the job names that the alerts use', async () => {
  await partOf(2).prepare('')
  const config = parse(readFileSync(join(dataDir, 'prometheus', 'prometheus.yml'), 'utf8')) as {
    scrape_configs: { job_name: string; static_configs?: { targets: string[] }[] }[]
  }
  const fixed = config.scrape_configs.map(({ job_name, static_configs }) => [job_name, static_configs?.[0]?.targets])
  expect(Object.fromEntries(fixed)).toEqual({
    windrow: undefined,
    daprd: ['127.0.0.1:21023', '127.0.0.1:21033'],
    scheduler: ['127.0.0.1:21013'],
  })
  expect(JSON.parse(readFileSync(targetsFile(), 'utf8'))).toEqual([
    { targets: ['127.0.0.1:21016'] },
    { targets: ['127.0.0.1:21017'], labels: { job: 'windrow-gateway' } },
  ])
})

test('promtool accepts the configuration, including rules and targets', async () => {
  await partOf(1).prepare('')
  const file = join(dataDir, 'prometheus', 'prometheus.yml')
  const said = execFileSync('promtool', ['check', 'config', file], { encoding: 'utf8' })
  expect(said).toContain(`SUCCESS: ${file} is valid prometheus config file syntax`)
  expect(said).toMatch(/SUCCESS: \d+ rules found[^]*SUCCESS: \d+ rules found/)
})

test('targets that were changed by hand are kept', async () => {
  await partOf(1).prepare('')
  writeFileSync(targetsFile(), '[]\n')
  await partOf(2).prepare('')
  expect(readFileSync(targetsFile(), 'utf8')).toBe('[]\n')
})
