/**
 * Builds programs from packages of registries: Kafka's jars with Maven, and Dapr's official programs with Go from their
 * module. The name of a build contains its version and the digest of the files that pin its dependencies, so a changed
 * pin leads to another build.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { exists } from '../../adapters/files/exists.ts'
import { builtOnce } from './cache.ts'
import { dataFile } from './data-files.ts'
import { runToEnd } from './process.ts'
import type { Tools } from './tools.ts'

export const KAFKA_VERSION = '4.1.0'
export const DAPR_VERSION = '1.18.2'

const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const GO_BUILD = [
  ...['build', '-mod=mod', '-trimpath'],
  // The tags `stablecomponents` lack the SQLite name resolver, which is the one that does not multicast.
  ...['-tags', 'allcomponents'],
  ...['-ldflags', `-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=${DAPR_VERSION}`],
]
const DAPR_PACKAGES = ['daprd', 'placement', 'scheduler'].map((program) => `github.com/dapr/dapr/cmd/${program}`)

/** What builds are made with; the one that a build does not need may be absent. */
type BuildTools = Partial<Pick<Tools, 'go' | 'mvn'>>

interface Build {
  /** What the progress line says. */
  readonly doing: string
  /** Folder in the cache. */
  readonly name: string
  readonly tool: 'go' | 'mvn'
  run(into: string, tools: BuildTools, logFile: string): Promise<void>
}

export interface Builds {
  readonly kafka: Build
  readonly dapr: Build
}

export async function plannedBuilds(): Promise<Builds> {
  return {
    kafka: {
      doing: `fetches Kafka ${KAFKA_VERSION} with Maven`,
      name: `kafka-${KAFKA_VERSION}-${await digestOf(['kafka-pom.xml'], [COPY_DEPENDENCIES])}`,
      tool: 'mvn',
      run: fetchKafka,
    },
    dapr: {
      doing: `builds Dapr ${DAPR_VERSION} with Go (once, some minutes)`,
      name: `dapr-${DAPR_VERSION}-${platform()}-${arch()}-${await digestOf(['sidecar/go.mod', 'sidecar/go.sum'], GO_BUILD)}`,
      tool: 'go',
      run: buildDapr,
    },
  }
}

export function isBuilt(build: Build, cacheDir: string): Promise<boolean> {
  return exists(join(cacheDir, build.name))
}

/** Builds unless the cache has the build, and returns its folder. */
export function ensureBuilt(build: Build, cacheDir: string, tools: BuildTools, logFile: string): Promise<string> {
  return builtOnce(cacheDir, build.name, (into) => build.run(into, tools, logFile))
}

/** The version of Go that the module asks for. */
export async function goMinimum(): Promise<string> {
  const directive = /^go (\S+)$/m.exec(await readFile(dataFile('sidecar/go.mod'), 'utf8'))
  if (directive === null) throw new TypeError('sidecar/go.mod has no go directive')
  return directive[1] as string
}

async function fetchKafka(into: string, tools: BuildTools, logFile: string): Promise<void> {
  const args = ['-B', '-f', dataFile('kafka-pom.xml'), COPY_DEPENDENCIES, `-DoutputDirectory=${into}`]
  await runToEnd({ program: tools.mvn?.path ?? 'mvn', args, cwd: into }, logFile)
}

async function buildDapr(into: string, tools: BuildTools, logFile: string): Promise<void> {
  // -mod=mod may write to go.mod and go.sum, so it gets copies.
  const module = join(into, 'module')
  await mkdir(module)
  for (const file of ['go.mod', 'go.sum']) await copyFile(dataFile(`sidecar/${file}`), join(module, file))
  const args = [...GO_BUILD, '-o', into, ...DAPR_PACKAGES]
  await runToEnd({ program: tools.go?.path ?? 'go', args, cwd: module }, logFile)
}

/** Of all that decides what a build makes. */
async function digestOf(files: readonly string[], args: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(args.join(' '))
  for (const file of files) hash.update(await readFile(dataFile(file)))
  return hash.digest('hex').slice(0, 12)
}
