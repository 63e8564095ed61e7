/**
 * The services of compose.yaml, by docker compose where a Docker daemon answers, else by podman-compose. Docker takes the images
 * from their registries and the ports of the machine; podman-compose gets stand-ins (images.ts) and a network of its own.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { ROOT } from '../support/built.ts'
import { removeCgroups } from './cgroups.ts'
import { output, runToEnd, works, type Ran, type RunOptions } from './commands.ts'
import { serviceImages } from './images.ts'
import { ContainerRuntime } from './runtime.ts'

interface ComposeFile {
  readonly services: Readonly<Record<string, { readonly healthcheck?: object }>>
}

const FILE = join(ROOT, 'compose.yaml')
const { services } = parse(readFileSync(FILE, 'utf8')) as ComposeFile
/** podman 4.3 does not know the host name `host-gateway`, and Grafana, which is in no registry of packages, needs Prometheus. */
const WITHOUT_PODMAN = ['prometheus', 'grafana']
const POLL_MS = 250

/** Where compose.yaml runs. */
export interface Compose {
  /** The services that come up. */
  readonly services: readonly string[]
  /** Starts all services with their state in this store, and resolves when their health checks pass. */
  up(state: 'redis' | 'postgres'): Promise<void>
  /** Removes containers, networks and volumes, and returns the names of those that are left: none. */
  down(): Promise<string[]>
  /** Runs a program that reaches the published ports. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Ran>
  stop(): Promise<void>
}

export async function startCompose(): Promise<Compose> {
  if ((await works('docker', ['compose', 'version'])) && (await works('docker', ['info']))) return dockerCompose()
  if (await works('podman-compose', ['--help'])) return podmanCompose()
  throw new Error(
    'Neither docker compose nor podman-compose works here. Start a Docker daemon that has the compose plugin, or run ' +
      'scripts/ci-packages.sh as root, which installs podman-compose.',
  )
}

function dockerCompose(): Compose {
  const project = `windrow-test-${randomBytes(3).toString('hex')}`
  const compose = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
    output('docker', ['compose', '--project-name', project, '--file', FILE, ...args], { env })
  const left = (what: string): Promise<string> =>
    output('docker', [what, 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${project}`])
  const down = async (): Promise<string[]> => {
    await compose(['down', '--volumes', '--timeout', '5'])
    return (await Promise.all(['container', 'network', 'volume'].map(left))).flatMap(linesOf)
  }
  return {
    services: Object.keys(services),
    up: async (state) => void (await compose(['up', '--wait'], { WINDROW_STATE: state })),
    down,
    run: runToEnd,
    stop: async () => void (await down()),
  }
}

async function podmanCompose(): Promise<Compose> {
  const runtime = await ContainerRuntime.start(await serviceImages())
  const names = Object.keys(services).filter((name) => !WITHOUT_PODMAN.includes(name))
  const compose = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
    runtime.output('podman-compose', ['--file', FILE, '--project-name', 'windrow', ...args], { env })
  const list = async (args: readonly string[]): Promise<string[]> => linesOf(await runtime.output('podman', args))
  return {
    services: names,
    async up(state) {
      await compose(['up', '--detach', ...names], { WINDROW_STATE: state })
      await Promise.all(names.map((name) => untilHealthy(runtime, name)))
    },
    async down() {
      // podman-compose 1.0.3 has no option for volumes.
      await compose(['down', '--timeout', '5'])
      const volumes = await list(['volume', 'ls', '--quiet'])
      if (volumes.length > 0) await runtime.output('podman', ['volume', 'rm', ...volumes])
      await runtime.output('podman', ['network', 'prune', '--force'])
      const networks = (await list(['network', 'ls', '--quiet'])).filter((name) => name !== 'podman')
      return [...(await list(['ps', '--all', '--quiet'])), ...(await list(['volume', 'ls', '--quiet'])), ...networks]
    },
    run: (program, args, options) => runtime.run(program, args, options),
    async stop() {
      await runtime.stop()
      removeCgroups(['libpod_parent'])
    },
  }
}

/** podman leaves it to systemd to repeat health checks, which does not run everywhere; so this repeats them. */
async function untilHealthy(runtime: ContainerRuntime, name: string): Promise<void> {
  const container = `windrow_${name}_1`
  const hasCheck = services[name]?.healthcheck !== undefined
  for (;;) {
    const state = await runtime.output('podman', ['inspect', '--format', '{{.State.Status}}', container])
    if (state.trim() !== 'running' && state.trim() !== 'initialized') {
      const { stdout, stderr } = await runtime.run('podman', ['logs', '--tail', '40', container])
      throw new Error(`the service ${name} is ${state.trim()}:\n${stdout.toString()}${stderr}`)
    }
    if (!hasCheck || (await runtime.run('podman', ['healthcheck', 'run', container])).code === 0) return
    await delay(POLL_MS)
  }
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')
