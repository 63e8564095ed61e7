/**
 * Containers by podman in a folder and a sandbox of their own, so that a test neither sees the machine's containers and ports nor
 * adds any.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { output, type Ran, type RunOptions } from './commands.ts'
import { Sandbox } from './sandbox.ts'

/**
 * Writes the configuration of podman and buildah into a folder, which also holds their containers and images, and returns the
 * variables that select it. `images` is another store, of which the images are used and nothing is changed.
 */
export function containerSettings(folder: string, images?: string): NodeJS.ProcessEnv {
  const file = (name: string, lines: readonly string[]): string => {
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`)
    return join(folder, name)
  }
  mkdirSync(join(folder, 'tmp'), { recursive: true })
  return {
    CONTAINERS_CONF: file('containers.conf', [
      '[engine]',
      ...['cgroup_manager = "cgroupfs"', 'events_logger = "file"', 'runtime = "runc"', `tmp_dir = "${folder}/tmp"`],
      '[network]',
      ...['network_backend = "netavark"', `network_config_dir = "${folder}/networks"`],
      '[containers]',
      'apparmor_profile = "unconfined"',
      // The defaults are more than a process without CAP_SYS_RESOURCE may set.
      'default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]',
    ]),
    CONTAINERS_STORAGE_CONF: file('storage.conf', [
      '[storage]',
      ...['driver = "overlay"', `graphroot = "${folder}/storage"`, `runroot = "${folder}/run"`],
      ...(images === undefined ? [] : ['[storage.options]', `additionalimagestores = ["${images}"]`]),
    ]),
    CONTAINERS_REGISTRIES_CONF: file('registries.conf', ['unqualified-search-registries = ["docker.io"]']),
  }
}

/** Unmounts what podman and buildah leave mounted below a folder. */
export async function unmountBelow(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ').slice(1, 2))
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounts.toReversed()) await output('umount', [path])
}

export class ContainerRuntime {
  readonly folder: string
  readonly sandbox: Sandbox
  readonly env: NodeJS.ProcessEnv

  private constructor(folder: string, sandbox: Sandbox, env: NodeJS.ProcessEnv) {
    this.folder = folder
    this.sandbox = sandbox
    this.env = env
  }

  static async start(images: string): Promise<ContainerRuntime> {
    const folder = mkdtempSync(join(tmpdir(), 'windrow-containers-'))
    return new ContainerRuntime(folder, await Sandbox.create(), containerSettings(folder, images))
  }

  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.sandbox.run(program, args, { ...options, env: { ...this.env, ...options.env } })
  }

  output(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.sandbox.output(program, args, { ...options, env: { ...this.env, ...options.env } })
  }

  async stop(): Promise<void> {
    await this.output('podman', ['rm', '--all', '--force', '--time', '0'])
    await this.sandbox.end()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
