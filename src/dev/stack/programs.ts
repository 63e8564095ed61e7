/** Finds installed programs and builds the others, or reports every missing prerequisite at once. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBuilt, goMinimum, isBuilt, plannedBuilds } from './builds.ts'
import type { Extra, StackPrograms } from './description.ts'
import { timed } from './progress.ts'
import type { OnProgress } from './progress.ts'
import { findTools } from './tools.ts'
import type { ToolNeeds } from './tools.ts'

export interface ProgramFolders {
  readonly cacheDir: string
  /** What the builds say goes to files here. */
  readonly logDir: string
  /** Searched for tools, like `$PATH`. */
  readonly path: string
}

export async function providePrograms(
  folders: ProgramFolders,
  needs: Pick<ToolNeeds, Extra>,
  onProgress: OnProgress,
): Promise<StackPrograms> {
  const { cacheDir, logDir, path } = folders
  const builds = await plannedBuilds()
  const [isKafkaBuilt, isDaprBuilt] = await Promise.all([
    isBuilt(builds.kafka, cacheDir),
    isBuilt(builds.dapr, cacheDir),
  ])
  const tools = await findTools({ ...needs, mvn: !isKafkaBuilt, go: isDaprBuilt ? null : await goMinimum() }, path)
  await mkdir(logDir, { recursive: true })
  const provide = async (name: 'kafka' | 'dapr', isThere: boolean): Promise<string> => {
    const build = () => ensureBuilt(builds[name], cacheDir, tools, join(logDir, `build-${name}.log`))
    return isThere ? build() : timed(`build-${name}`, builds[name].doing, onProgress, build)
  }
  const kafkaJars = await provide('kafka', isKafkaBuilt)
  const daprPrograms = await provide('dapr', isDaprBuilt)
  return { tools, kafkaJars, daprPrograms }
}
