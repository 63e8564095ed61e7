/**
 * Names in the folder of a job:
 *
 *   results/day=2026-03-02/0-000000000012.parquet   results of commit 12 of partition 0; the last one has the certificates
 *   metrics/day=2026-03-02/0-000000000012.parquet   their figures, one row per metric
 *   dead-letters/0-000000000012.parquet             dead letters of the commit
 *   published/0/000000000012.json                   the marker of partition 0
 *   tmp/0-….tmp                                     a file that is being written
 */
import type { EpochMs } from '../../core/point.ts'

export const RESULTS_IN = 'results'
export const METRICS_IN = 'metrics'
export const DEAD_LETTERS_IN = 'dead-letters'
/** Certificates are in the metadata of the results. */
export const CERTIFICATES_IN = RESULTS_IN
export const TEMPORARY_IN = 'tmp'
/** Key of the certificates of a commit in a file's metadata: one per line. */
export const CERTIFICATES_KEY = 'windrow.certificates'

/** Commits sort by name as by number. */
const COMMIT_DIGITS = 12
const FILE = /^(\d+)-(\d+)\.parquet$/
const MARKER = /^(\d+)\.json$/

export interface CommitPlace {
  readonly partition: number
  readonly commit: number
}

export function fileNameOf({ partition, commit }: CommitPlace): string {
  return `${partition}-${commitText(commit)}.parquet`
}

/** `null` if the sink has not written a file of this name. */
export function commitPlaceOf(fileName: string): CommitPlace | null {
  const [, partition, commit] = FILE.exec(fileName) ?? []
  return partition === undefined ? null : { partition: Number(partition), commit: Number(commit) }
}

/** The folder of a day (UTC), as Hive names partitions. */
export function dayFolderOf(window: EpochMs): string {
  return `day=${new Date(window).toISOString().slice(0, -'T00:00:00.000Z'.length)}`
}

/** The folder of a partition's markers. */
export function markersIn(partition: number): string {
  return `${MARKERS_IN}/${partition}`
}

export const MARKERS_IN = 'published'

export function markerNameOf(commit: number): string {
  return `${commitText(commit)}.json`
}

/** The highest commit of which the folder has a marker; `null` if it has none. */
export function lastCommitOf(names: readonly string[]): number | null {
  const commits = names.flatMap((name) => MARKER.exec(name)?.[1] ?? []).map(Number)
  return commits.length === 0 ? null : Math.max(...commits)
}

function commitText(commit: number): string {
  return String(commit).padStart(COMMIT_DIGITS, '0')
}
