/**
 * The programs that a stack needs from the machine. All that are missing or too old are reported at once, with what to
 * install; nothing is started or built before.
 */
import { execFile } from 'node:child_process'
import { access, constants, readdir, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { dataFile } from './data-files.ts'
import type { User } from './process.ts'

export interface Tool {
  readonly path: string
  readonly version: string
}

/** The programs of the machine. `go` and `mvn` only build; they are not required if the cache has the builds. */
export interface Tools {
  readonly java: Tool
  readonly redis: Tool
  /** `initdb` is in the same folder. */
  readonly postgres: Tool
  /** Whom PostgreSQL runs as, since it refuses root; `null` for oneself. */
  readonly postgresUser: User | null
  readonly go: Tool | null
  readonly mvn: Tool | null
  /** `null` where the stack goes without. */
  readonly prometheus: Tool | null
  readonly grafana: Tool | null
}

export interface ToolNeeds {
  /** Lowest version of Go that builds Dapr; `null` when nothing is to be built with it. */
  readonly go: string | null
  readonly mvn: boolean
  readonly prometheus: boolean
  readonly grafana: boolean
}

interface Requirement {
  readonly program: string
  readonly versionArgs: readonly string[]
  readonly minimum: string
  readonly cwd?: string
  /** A sentence: how to get it. */
  readonly remedy: string
}

const run = promisify(execFile)

/** Debian keeps the server's programs out of the path, one folder a version. */
const POSTGRES_FOLDERS = '/usr/lib/postgresql'

const JAVA = apt('java', ['-version'], '17', 'openjdk-17-jre-headless')
const MVN = apt('mvn', ['-version'], '3.6.3', 'maven')
const REDIS = apt('redis-server', ['--version'], '6.2', 'redis-server')
const PROMETHEUS = apt('prometheus', ['--version'], '2.42', 'prometheus')
/** Debian has none. Its makers' packages keep the program here, behind a script in the path that adds flags of its own. */
const GRAFANA_FOLDER = '/usr/share/grafana/bin'
const GRAFANA: Requirement = {
  program: 'grafana',
  versionArgs: ['--version'],
  minimum: '10',
  remedy: 'Install it from https://grafana.com/grafana/download, with its bin folder in the path.',
}
const POSTGRES = apt('postgres', ['--version'], '13', 'postgresql')
const go = (minimum: string): Requirement => ({
  program: 'go',
  versionArgs: ['version'],
  minimum,
  // In the module's folder, Go may download the version that the module requires, and then reports that version.
  cwd: dataFile('sidecar'),
  remedy: `Install Go ${minimum} or later from https://go.dev/dl/.`,
})

function apt(program: string, versionArgs: readonly string[], minimum: string, debianPackage: string): Requirement {
  return { program, versionArgs, minimum, remedy: `Install it: apt-get install ${debianPackage}` }
}

/** Throws one error that names all tools that are missing or too old. `path` is searched like `$PATH`. */
export async function findTools(
  needs: ToolNeeds,
  path: string,
  isRoot: boolean = process.getuid?.() === 0,
): Promise<Tools> {
  const problems: string[] = []
  const folders = path.split(delimiter).filter(Boolean)
  const find = async (requirement: Requirement, searched = folders): Promise<Tool> => {
    const tool = await findTool(requirement, searched)
    if (typeof tool === 'string') problems.push(`${tool} ${requirement.remedy}`)
    return typeof tool === 'string' ? { path: '', version: '' } : tool
  }
  const tools: Tools = {
    java: await find(JAVA),
    redis: await find(REDIS),
    postgres: await find(POSTGRES, [...folders, ...(await postgresFolders())]),
    postgresUser: isRoot ? await postgresUser(problems) : null,
    go: needs.go === null ? null : await find(go(needs.go)),
    mvn: needs.mvn ? await find(MVN) : null,
    prometheus: needs.prometheus ? await find(PROMETHEUS) : null,
    grafana: needs.grafana ? await find(GRAFANA, [GRAFANA_FOLDER, ...folders]) : null,
  }
  if (problems.length > 0) throw toolsMissing('The stack', problems)
  return tools
}

/** What Kafka alone needs of the machine: Java, and Maven where its jars are still to be fetched. */
export async function findKafkaTools(
  needs: Pick<ToolNeeds, 'mvn'>,
  path: string,
): Promise<Pick<Tools, 'java' | 'mvn'>> {
  const folders = path.split(delimiter).filter(Boolean)
  const found = await Promise.all(
    [JAVA, ...(needs.mvn ? [MVN] : [])].map(async (one) => ({ one, tool: await findTool(one, folders) })),
  )
  const problems = found.flatMap(({ one, tool }) => (typeof tool === 'string' ? [`${tool} ${one.remedy}`] : []))
  if (problems.length > 0) throw toolsMissing('Kafka', problems)
  const [java, mvn = null] = found.map(({ tool }) => tool as Tool)
  return { java: java as Tool, mvn }
}

function toolsMissing(who: string, problems: readonly string[]): WindrowError {
  return new WindrowError(`${who} needs programs that are not installed:\n${problems.join('\n')}`, {
    code: 'STACK_TOOLS_MISSING',
    remedy: 'Install these programs, then run the command again; scripts/ci-packages.sh installs the Debian packages.',
  })
}

/** The tool, or a sentence that describes the problem. */
async function findTool(requirement: Requirement, folders: readonly string[]): Promise<Tool | string> {
  const { program, versionArgs, minimum } = requirement
  const found = await firstExecutable(program, folders)
  if (found === null) return `${program} is not installed.`
  try {
    const { stdout, stderr } = await run(found, [...versionArgs], { cwd: requirement.cwd })
    const version = versionIn(stdout + stderr)
    if (version === null) return `${found} ${versionArgs.join(' ')} prints no version.`
    if (compareVersions(version, minimum) < 0) return `${found} is version ${version}, older than ${minimum}.`
    return { path: found, version }
  } catch (error) {
    return `${found} does not run (${messageOf(error).trim()}).`
  }
}

async function firstExecutable(program: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const candidate = join(folder, program)
    try {
      await access(candidate, constants.X_OK)
      return candidate
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error
    }
  }
  return null
}

async function postgresFolders(): Promise<string[]> {
  let versions: string[]
  try {
    versions = await readdir(POSTGRES_FOLDERS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return versions.sort((a, b) => compareVersions(b, a)).map((version) => join(POSTGRES_FOLDERS, version, 'bin'))
}

async function postgresUser(problems: string[]): Promise<User | null> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (what) => Number((await run('id', [what, 'postgres'])).stdout)),
    )
    return { uid: uid as number, gid: gid as number }
  } catch (error) {
    problems.push(
      `PostgreSQL does not run as root, and there is no user postgres to run it as (${messageOf(error).trim()}).`,
    )
    return null
  }
}

/** A companion of `postgres`: in the folder of the real program, since a link's folder may not hold it. */
export async function postgresProgram(postgres: Tool, program: string): Promise<string> {
  return join(dirname(await realpath(postgres.path)), program)
}

/** The first number in a text, with its further parts: `go version go1.26.5 linux/amd64` has 1.26.5. */
export function versionIn(text: string): string | null {
  return /\d+(?:\.\d+)*/.exec(stripVTControlCharacters(text))?.[0] ?? null
}

/** Negative when `a` is older than `b`. Parts that are absent count as 0. */
export function compareVersions(a: string, b: string): number {
  const [as, bs] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(as.length, bs.length); i++) {
    const difference = (as[i] ?? 0) - (bs[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
