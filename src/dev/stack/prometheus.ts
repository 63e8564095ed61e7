/** Prometheus, which reads the metrics of sidecars, scheduler, processors and gateways, with Windrow's rules and alerts. */
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillTemplate } from './data-files.ts'
import type { StackDescription } from './description.ts'
import { checkHttp } from './service.ts'
import type { Service } from './service.ts'
import { addressOf } from './ports.ts'
import type { Tool } from './tools.ts'

/** Beside `src/` and beside `dist/`. */
const RULES = fileURLToPath(new URL('../../../observability/prometheus', import.meta.url))

export function prometheusService(stack: StackDescription, tool: Tool): Service {
  const folder = join(stack.dataDir, 'prometheus')
  const config = join(folder, 'prometheus.yml')
  const targets = join(folder, 'targets.json')
  const port = stack.ports.prometheus
  return {
    name: 'prometheus',
    version: tool.version,
    doing: 'starts, scrapes the other services',
    ports: [port],
    stopSignal: 'SIGTERM',
    folders: [folder],
    prepare: async () => {
      await mkdir(folder, { recursive: true })
      const daprds = stack.daprds.map(({ ports }) => `'${addressOf(ports.metrics)}'`).join(', ')
      const scheduler = addressOf(stack.ports.schedulerMetrics)
      const values = { RULES, TARGETS: targets, DAPRDS: daprds, SCHEDULER: scheduler }
      await writeFile(config, await fillTemplate('prometheus.yml', values))
      const { processorMetrics, gatewayMetrics } = stack.ports
      const groups = [
        { targets: [addressOf(processorMetrics)] },
        // A job of its own: a processor that is away is something else than a gateway that is.
        { targets: [addressOf(gatewayMetrics)], labels: { job: 'windrow-gateway' } },
      ]
      await writeUnlessThere(targets, JSON.stringify(groups))
    },
    command: async () => ({
      program: tool.path,
      args: [
        ...['--config.file', config, '--storage.tsdb.path', join(folder, 'data')],
        ...['--web.listen-address', addressOf(port), '--log.level', 'warn'],
      ],
      cwd: folder,
    }),
    check: () => checkHttp(port, '/-/ready'),
  }
}

/** The list may have been made longer by hand. */
async function writeUnlessThere(file: string, text: string): Promise<void> {
  try {
    await access(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await writeFile(file, `${text}\n`)
  }
}
