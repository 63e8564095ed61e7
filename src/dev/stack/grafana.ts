/** Grafana, with the stack's Prometheus and Windrow's dashboards in it, found by the files that compose.yaml uses too. */
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WindrowError } from '../../errors/index.ts'
import { exists } from '../../adapters/files/exists.ts'
import { fillTemplate } from './data-files.ts'
import type { StackDescription } from './description.ts'
import { checkHttp } from './service.ts'
import type { Service } from './service.ts'
import { addressOf, HOST } from './ports.ts'
import type { Tool } from './tools.ts'

/** Beside `src/` and beside `dist/`. */
const OBSERVABILITY = fileURLToPath(new URL('../../../observability/grafana', import.meta.url))
const DASHBOARDS = join(OBSERVABILITY, 'dashboards')

/** Where Debian's and Red Hat's packages put what the program reads. */
const PACKAGED_HOME = '/usr/share/grafana'

/** What stands in the files of provisioning for containers, and nowhere else in them. */
const IN_CONTAINERS = { prometheus: 'http://prometheus:9090', dashboards: '/windrow/dashboards' }

export function grafanaService(stack: StackDescription, tool: Tool): Service {
  const folder = join(stack.dataDir, 'grafana')
  const config = join(folder, 'grafana.ini')
  const port = stack.ports.grafana
  return {
    name: 'grafana',
    version: tool.version,
    doing: 'starts, with the dashboards',
    ports: [port],
    stopSignal: 'SIGTERM',
    folders: [folder],
    prepare: async () => {
      const provisioning = join(folder, 'provisioning')
      // It complains of kinds of provisioning that have no folder.
      for (const kind of ['datasources', 'dashboards', 'plugins', 'alerting', 'access-control'])
        await mkdir(join(provisioning, kind), { recursive: true })
      const prometheus = `http://${addressOf(stack.ports.prometheus)}`
      await provision(provisioning, 'datasources/prometheus.yaml', IN_CONTAINERS.prometheus, prometheus)
      await provision(provisioning, 'dashboards/windrow.yaml', IN_CONTAINERS.dashboards, DASHBOARDS)
      const values = { HOST, PORT: String(port), FOLDER: folder, DASHBOARDS }
      await writeFile(config, await fillTemplate('grafana.ini', values))
    },
    command: async () => ({
      program: tool.path,
      args: ['server', '--config', config, '--homepath', await homeOf(tool)],
      cwd: folder,
    }),
    check: () => checkHttp(port, '/api/health'),
  }
}

/** Copies a provisioning file and replaces `there`, a value for containers, by its local counterpart `here`. */
async function provision(folder: string, file: string, there: string, here: string): Promise<void> {
  const text = await readFile(join(OBSERVABILITY, 'provisioning', file), 'utf8')
  if (!text.includes(there)) throw new TypeError(`${file} does not name ${there}`)
  await writeFile(join(folder, file), text.replace(there, here))
}

/** The folder with the pages and the defaults: around the program as in an archive, beside it, or where packages put it. */
async function homeOf(tool: Tool): Promise<string> {
  const around = dirname(dirname(await realpath(tool.path)))
  const candidates = [around, join(around, 'share', 'grafana'), PACKAGED_HOME]
  for (const home of candidates) if (await exists(join(home, 'conf', 'defaults.ini'))) return home
  throw new WindrowError(`${tool.path} has no conf/defaults.ini in ${candidates.join(', ')}`, {
    code: 'STACK_TOOLS_MISSING',
    remedy:
      'Unpack the whole of Grafana from https://grafana.com/grafana/download, and put its bin folder into the path.',
  })
}
