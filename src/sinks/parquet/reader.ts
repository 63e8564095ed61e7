/** Reads what a job has published to Parquet files, all revisions of it, as of the moment when the reader was opened. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../adapters/files/file-system.ts'
import { WindrowError } from '../../errors/index.ts'
import type { PublishedReader } from '../sink.ts'
import { readColumns, readMetadata } from './encode.ts'
import { CERTIFICATES_KEY, lastCommitOf, MARKERS_IN, markersIn, commitPlaceOf, RESULTS_IN } from './layout.ts'
import { folderDestination, type ParquetSetting } from './setting.ts'

/** The files with results of one commit. */
type CommitPaths = readonly string[]

export async function openParquetReader(setting: ParquetSetting): Promise<PublishedReader> {
  const commits = await publishedCommits(setting)
  return {
    async *results() {
      for (const paths of commits) yield* await linesOfCommit(paths)
    },
    async *certificates() {
      for (const paths of commits) yield* await certificatesOfCommit(paths)
    },
    close: () => Promise.resolve(),
  }
}

/** By partition, in the order of their commits. The markers are read first: all files of their commits exist. */
async function publishedCommits(setting: ParquetSetting): Promise<readonly CommitPaths[]> {
  const { folder } = setting
  const published = new Map<number, number>()
  for (const partition of (await namesIn(join(folder, MARKERS_IN))).map(Number)) {
    const commit = lastCommitOf(await namesIn(join(folder, markersIn(partition))))
    if (commit !== null) published.set(partition, commit)
  }
  if (published.size === 0) {
    throw new WindrowError(`there are no results: ${folderDestination(setting)} has no published commit`, {
      code: 'NOTHING_PUBLISHED',
    })
  }
  const byCommit = new Map<string, { readonly partition: number; readonly commit: number; readonly paths: string[] }>()
  for (const day of await namesIn(join(folder, RESULTS_IN))) {
    for (const name of await namesIn(join(folder, RESULTS_IN, day))) {
      const place = commitPlaceOf(name)
      if (place === null || place.commit > (published.get(place.partition) ?? 0)) continue
      const files = byCommit.get(name) ?? { ...place, paths: [] }
      byCommit.set(name, files)
      files.paths.push(join(folder, RESULTS_IN, day, name))
    }
  }
  return [...byCommit.values()]
    .sort((a, b) => a.partition - b.partition || a.commit - b.commit)
    .map(({ paths }) => paths)
}

/** In the order in which they were published: a commit has a file per day, and its rows alternate between days. */
async function linesOfCommit(paths: CommitPaths): Promise<readonly string[]> {
  const rows: { readonly result: string; readonly ordinal: number }[] = []
  for (const path of paths) rows.push(...(await readColumns<(typeof rows)[number]>(await open(path), COLUMNS)))
  return rows.sort((a, b) => a.ordinal - b.ordinal).map(({ result }) => result)
}

const COLUMNS = ['result', 'ordinal']

async function certificatesOfCommit(paths: CommitPaths): Promise<readonly string[]> {
  const certificates: string[] = []
  for (const path of paths) {
    const lines = await readMetadata(await open(path), CERTIFICATES_KEY)
    if (lines !== null) certificates.push(...lines.split('\n'))
  }
  return certificates
}

/** A commit fits into memory, since it was written from there. */
async function open(path: string): Promise<ArrayBuffer> {
  const bytes = await readFile(path)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}

/** Empty if the folder does not exist, or is no folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}
