/** The side file `<results>.windrow.json`: how much of the result files is published, and the marker of each partition. */
import { dirname, relative } from 'node:path'
import { WindrowError } from '../../errors/index.ts'
import type { PublishedMarker } from '../../ports/index.ts'
import { replaceFile, type FileSystem } from './file-system.ts'

/** Replacing the side file atomically is the commit of everything that is published to files. */
export interface SideFile {
  readonly version: typeof VERSION
  readonly job: string
  readonly results: { readonly bytes: number }
  readonly deadLetters: Companion
  readonly certificates: Companion
  readonly partitions: Readonly<Record<string, PublishedMarker>>
}

/** A file that is published together with the results. */
interface Companion {
  /** Relative to the results file, so that its folder can be moved. */
  readonly path: string
  readonly bytes: number
}

const VERSION = 2

export interface ResultPaths {
  readonly results: string
  readonly deadLetters: string
  readonly certificates: string
}

export function sidePathOf(results: string): string {
  return `${results}.windrow.json`
}

export function emptySideFile(job: string, paths: ResultPaths): SideFile {
  const companion = (path: string): Companion => ({ path: relative(dirname(paths.results), path), bytes: 0 })
  return {
    version: VERSION,
    job,
    results: { bytes: 0 },
    deadLetters: companion(paths.deadLetters),
    certificates: companion(paths.certificates),
    partitions: {},
  }
}

/** `null` if there is none. Throws if it belongs to another job or other paths, or cannot be parsed. */
export async function readSideFile(files: FileSystem, job: string, paths: ResultPaths): Promise<SideFile | null> {
  const path = sidePathOf(paths.results)
  const text = await files.readText(path)
  if (text === null) return null
  const side = parseSideFile(text)
  if (side === null) {
    throw new WindrowError(`${path} is not a valid side file of results`, {
      code: 'RESULTS_FILE_DAMAGED',
      remedy: `Restore it, or move it and ${paths.results} elsewhere and compute the results again under another job name (--job).`,
    })
  }
  if (side.job !== job) throw mismatch(`${paths.results} holds the results of the job ${side.job}, not of ${job}`)
  const expected = emptySideFile(job, paths)
  for (const [companion, called] of COMPANIONS) {
    const [was, now] = [side[companion].path, expected[companion].path]
    if (was !== now) throw mismatch(`the ${called} beside ${paths.results} are in ${was}, not in ${now}`)
  }
  return side
}

const COMPANIONS = [
  ['deadLetters', 'dead letters'],
  ['certificates', 'certificates'],
] as const

export function parseSideFile(text: string): SideFile | null {
  let side: Partial<SideFile>
  try {
    side = JSON.parse(text) as Partial<SideFile>
  } catch {
    return null
  }
  const isWhole =
    side.version === VERSION &&
    typeof side.job === 'string' &&
    Number.isSafeInteger(side.results?.bytes) &&
    Number.isSafeInteger(side.deadLetters?.bytes) &&
    Number.isSafeInteger(side.certificates?.bytes) &&
    typeof side.partitions === 'object'
  return isWhole ? (side as SideFile) : null
}

export function replaceSideFile(files: FileSystem, results: string, side: SideFile): Promise<void> {
  return replaceFile(files, sidePathOf(results), `${JSON.stringify(side)}\n`)
}

function mismatch(message: string): WindrowError {
  return new WindrowError(message, {
    code: 'RESULTS_FILE_EXISTS',
    remedy: 'Give the same paths and job name as before, or give --results another path.',
  })
}
