/**
 * The files that `windrow stack up --with grafana` gives to Grafana. Grafana itself is not a dependency of the tests, so
 * the stack starts a stand-in with the command line of the real one. The stand-in reads the configuration, follows it to
 * the provisioned files as Grafana does, and reports over HTTP what it found.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeStack, type StackDescription } from '../../src/dev/stack/description.ts'
import { grafanaService } from '../../src/dev/stack/grafana.ts'
import { busyPorts } from '../../src/dev/stack/ports.ts'

const PORT_BASE = 21_400
const YAML = createRequire(import.meta.url).resolve('yaml')

let dataDir: string
beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'windrow-grafana-'))))
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

/** Takes `server --config FILE --homepath FOLDER`, and serves the data sources and dashboards that the files define. */
const STAND_IN = `#!${process.execPath}
const { readFileSync, readdirSync } = require('node:fs')
const { createServer } = require('node:http')
const { join } = require('node:path')
const { parse } = require(${JSON.stringify(YAML)})
const [server, , config, , home] = process.argv.slice(2)
if (server !== 'server') throw new Error('started as ' + process.argv.join(' '))
readFileSync(join(home, 'conf/defaults.ini'))
const settings = {}
let section = ''
for (const line of readFileSync(config, 'utf8').split('\\n')) {
  const [, name] = /^\\[(.*)\\]$/.exec(line) ?? []
  if (name !== undefined) section = name
  const [, key, value] = /^(\\w+) = (.*)$/.exec(line) ?? []
  if (key !== undefined) settings[section + '/' + key] = value
}
const provisioned = (kind) => {
  const folder = join(settings['paths/provisioning'], kind)
  return readdirSync(folder).map((file) => parse(readFileSync(join(folder, file), 'utf8')))
}
const dashboards = provisioned('dashboards').flatMap(({ providers }) => providers).flatMap(({ options }) => readdirSync(options.path)
  .map((file) => JSON.parse(readFileSync(join(options.path, file), 'utf8')).uid))
JSON.parse(readFileSync(settings['dashboards/default_home_dashboard_path'], 'utf8'))
const found = { dashboards, datasources: provisioned('datasources').flatMap(({ datasources }) => datasources), settings }
createServer((request, response) => response.end(request.url === '/api/health' ? '{"database":"ok"}' : JSON.stringify(found)))
  .listen(Number(settings['server/http_port']), settings['server/http_addr'])
`

function stack(): StackDescription {
  const programs = { tools: {} as StackDescription['tools'], kafkaJars: '', daprPrograms: '' }
  return describeStack({ dataDir, portBase: PORT_BASE, state: 'redis' }, programs)
}

/** Installed like the real archive: unpacked, and linked into a folder on the PATH. */
function installed(): string {
  const home = join(dataDir, 'unpacked')
  mkdirSync(join(home, 'bin'), { recursive: true })
  mkdirSync(join(home, 'conf'))
  writeFileSync(join(home, 'conf/defaults.ini'), '')
  writeFileSync(join(home, 'bin/grafana'), STAND_IN, { mode: 0o755 })
  symlinkSync(join(home, 'bin/grafana'), join(dataDir, 'grafana-in-path'))
  return join(dataDir, 'grafana-in-path')
}

test('Grafana runs at the address in the status, with every dashboard and the Prometheus of the stack', async () => {
  const service = grafanaService(stack(), { path: installed(), version: '11.6.0' })
  await service.prepare('')
  const { program, args, cwd } = await service.command()
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    await usable(() => service.check(), child)
    const answer = await fetch(`http://127.0.0.1:${service.ports[0]}/found`)
    const found = (await answer.json()) as { dashboards: string[]; datasources: object[]; settings: object }
    expect(found.dashboards).toHaveLength(readdirSync('observability/grafana/dashboards').length)
    expect(found.datasources).toEqual([
      expect.objectContaining({ uid: 'prometheus', url: `http://127.0.0.1:${PORT_BASE}`, isDefault: true }),
    ])
    expect(found.settings).toMatchObject({
      'auth.anonymous/enabled': 'true',
      'auth.anonymous/org_role': 'Viewer',
      'paths/data': join(dataDir, 'grafana', 'data'),
    })
  } finally {
    child.kill()
    await once(child, 'close')
  }
  expect(await busyPorts(service.ports)).toEqual([])
})

test('a Grafana binary without its other files is an error with a remedy', async () => {
  const alone = join(dataDir, 'alone')
  mkdirSync(join(alone, 'bin'), { recursive: true })
  writeFileSync(join(alone, 'bin/grafana'), '')
  const service = grafanaService(stack(), { path: join(alone, 'bin/grafana'), version: '11.6.0' })
  await expect(service.command()).rejects.toMatchObject({ code: 'STACK_TOOLS_MISSING' })
})

async function usable(check: () => Promise<void>, child: ReturnType<typeof spawn>): Promise<void> {
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (child.exitCode !== null) throw new Error('it ended while it came up', { cause: error })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
