/** `<results>.windrow.json`: how much of the result files is published, and how far each partition has come. */
import { dirname, relative } from 'node:path'
import { WindrowError } from '../../errors.ts'
import type { PublishedMarker } from '../../pipeline/ports.ts'
import { replaceFile, type FileSystem } from './file-system.ts'

/** Replaced as a whole, atomically: this is the commit of everything that is published to files. */
export interface SideFile {
  readonly version: 1
  readonly job: string
  readonly results: { readonly bytes: number }
  /** The path is relative to the results, so that their folder may move. */
  readonly deadLetters: { readonly path: string; readonly bytes: number }
  readonly partitions: Readonly<Record<string, PublishedMarker>>
}

export interface ResultPaths {
  readonly results: string
  readonly deadLetters: string
}

export function sidePathOf(results: string): string {
  return `${results}.windrow.json`
}

export function emptySideFile(job: string, paths: ResultPaths): SideFile {
  const deadLetters = { path: relative(dirname(paths.results), paths.deadLetters), bytes: 0 }
  return { version: 1, job, results: { bytes: 0 }, deadLetters, partitions: {} }
}

/** `null` when there is none. Throws when it is not this job's, or does not say what it should. */
export async function readSideFile(files: FileSystem, job: string, paths: ResultPaths): Promise<SideFile | null> {
  const path = sidePathOf(paths.results)
  const text = await files.readText(path)
  if (text === null) return null
  const side = parseSideFile(text)
  if (side === null) {
    throw new WindrowError(`${path} cannot be read as what Windrow keeps beside results`, {
      code: 'RESULTS_FILE_DAMAGED',
      remedy: `Restore it, or move it and ${paths.results} away and compute the results again under another job name (--job).`,
    })
  }
  if (side.job !== job) throw mismatch(`${paths.results} holds the results of the job ${side.job}, not of ${job}`)
  const expected = emptySideFile(job, paths).deadLetters.path
  if (side.deadLetters.path !== expected) {
    throw mismatch(`the dead letters beside ${paths.results} are in ${side.deadLetters.path}, not in ${expected}`)
  }
  return side
}

export function parseSideFile(text: string): SideFile | null {
  let side: Partial<SideFile>
  try {
    side = JSON.parse(text) as Partial<SideFile>
  } catch {
    return null
  }
  const isWhole =
    side.version === 1 &&
    typeof side.job === 'string' &&
    Number.isSafeInteger(side.results?.bytes) &&
    Number.isSafeInteger(side.deadLetters?.bytes) &&
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
