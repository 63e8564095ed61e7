/**
 * Stand-ins for the images that compose.yaml and k8s/ name, built once per machine into the project's cache: from Debian's
 * packages, Kafka's jars and the Dapr programs that a stack uses. images/Containerfile describes each.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { ensureBuilt, plannedBuilds } from '../../src/dev/stack/builds.ts'
import { builtOnce, cacheFolder } from '../../src/dev/stack/cache.ts'
import { output } from './commands.ts'
import { containerSettings, unmountBelow } from './runtime.ts'

const SOURCES = join(import.meta.dirname, 'images')

/** Names of the images by the target in images/Containerfile that they are built from. */
export const IMAGES: Readonly<Record<string, readonly string[]>> = {
  redis: ['docker.io/library/redis:7', 'docker.io/library/redis:7.4.2'],
  postgres: ['docker.io/library/postgres:15'],
  kafka: ['docker.io/apache/kafka:4.1.0'],
  busybox: ['docker.io/library/busybox:1.36'],
  daprd: ['docker.io/daprio/daprd:1.18.7'],
  placement: ['docker.io/daprio/placement:1.18.7'],
  scheduler: ['docker.io/daprio/scheduler:1.18.7'],
}

/** The folder with the Dapr programs of a stack. */
export async function daprPrograms(): Promise<string> {
  const cache = cacheFolder(process.env, homedir())
  mkdirSync(cache, { recursive: true })
  return ensureBuilt((await plannedBuilds()).dapr, cache, {}, join(cache, 'containers.log'))
}

/** The image store for `ContainerRuntime`. The first build takes about two minutes, and some more without Kafka and Dapr. */
export async function serviceImages(): Promise<string> {
  const cache = cacheFolder(process.env, homedir())
  const dapr = await daprPrograms()
  const jars = await ensureBuilt((await plannedBuilds()).kafka, cache, {}, join(cache, 'containers.log'))
  const name = `images-${digestOf(readdirSync(SOURCES), [jars, dapr, JSON.stringify(IMAGES)])}`
  const debian = await builtOnce(cache, `debian-${digestOf(['debian.sh'])}`, async (into) => {
    await output('sh', [join(SOURCES, 'debian.sh'), into])
  })
  const store = await builtOnce(cache, name, async (into) => {
    // buildah's storage is a mount while it works, so only the finished storage is moved to the cache.
    const work = join(into, 'work')
    mkdirSync(work)
    try {
      await buildInto(work, debian, jars, dapr)
      await unmountBelow(work)
      await output('mv', [join(work, 'storage'), join(into, 'storage')])
    } finally {
      await unmountBelow(work)
      rmSync(work, { recursive: true, force: true })
    }
  })
  return join(store, 'storage')
}

async function buildInto(work: string, debian: string, jars: string, dapr: string): Promise<void> {
  const env = containerSettings(work)
  const bases = [
    ['slim', 'docker.io/library/debian:12.12-slim'],
    ['services', 'localhost/windrow-services:latest'],
  ] as const
  for (const [archive, name] of bases) {
    await output('podman', ['import', '--quiet', join(debian, `${archive}.tar`), name], { env })
  }
  const build = ['bud', '--runtime', 'runc', '--network', 'host', '--pull-never', '--quiet']
  const contexts = [`--build-context=jars=${jars}`, `--build-context=dapr=${dapr}`]
  for (const [target, names] of Object.entries(IMAGES)) {
    const tags = names.flatMap((one) => ['--tag', one])
    await output('buildah', [...build, ...contexts, '--target', target, ...tags, SOURCES], { env })
  }
}

/** Of the files in images/ and of what else decides what is built. */
function digestOf(files: readonly string[], more: readonly string[] = []): string {
  const hash = createHash('sha256')
  for (const one of more) hash.update(basename(one))
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(SOURCES, file)))
  return hash.digest('hex').slice(0, 12)
}
