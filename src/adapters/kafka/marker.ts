/**
 * The marker of a partition's last published commit. It is stored in a compacted topic, in the partition of the same number.
 * Only the publisher of the partition writes there, so the last committed record is the marker. It is searched backwards
 * from the end.
 */
import { WindrowError } from '../../errors/index.ts'
import type { PublishedMarker } from '../../ports/index.ts'
import type { KafkaCluster, StoredMessage } from './cluster.ts'

/** Offsets read first. Each commit takes two: its marker and the end of the transaction. */
const FIRST_REACH = 64
const REACH_FACTOR = 16
const MAX_READ_BYTES = 1024 * 1024

export function encodeMarker(marker: PublishedMarker): string {
  return JSON.stringify({ commit: marker.commit, digest: marker.digest })
}

/**
 * Returns the last marker, `null` if there is none. Call it after earlier publishers have been fenced and their transactions
 * ended: an open transaction in the partition is an error.
 */
export async function readLastMarker(
  cluster: Pick<KafkaCluster, 'logRanges' | 'read'>,
  topic: string,
  partition: number,
): Promise<PublishedMarker | null> {
  const range = (await cluster.logRanges(topic, [partition])).get(partition)
  if (range === undefined) throw markerUnreadable(topic, partition, 'the partition does not exist')
  let upTo = range.end
  for (let reach = FIRST_REACH; upTo > range.start; reach *= REACH_FACTOR) {
    const from = Math.max(range.start, upTo - reach)
    const marker = await lastMarkerIn(cluster, topic, partition, from, upTo)
    if (marker !== null) return marker
    upTo = from
  }
  return null
}

async function lastMarkerIn(
  cluster: Pick<KafkaCluster, 'read'>,
  topic: string,
  partition: number,
  from: number,
  upTo: number,
): Promise<PublishedMarker | null> {
  let last: PublishedMarker | null = null
  for (let at = from; at < upTo;) {
    const slice = await cluster.read(topic, partition, at, MAX_READ_BYTES)
    if (slice.lastStableOffset < upTo) {
      throw new WindrowError(`${topic}/${partition} has an open transaction at ${slice.lastStableOffset}`, {
        code: 'MARKER_UNSTABLE',
      })
    }
    const committed = slice.messages.filter(({ offset, isControlRecord }) => !isControlRecord && Number(offset) < upTo)
    const newest = committed.at(-1)
    if (newest !== undefined) last = parseMarker(newest, topic, partition)
    // No records up to the end of the log: compaction has deleted them.
    const end = slice.messages.at(-1)
    if (end === undefined) break
    at = Number(end.offset) + 1
  }
  return last
}

function parseMarker(message: StoredMessage, topic: string, partition: number): PublishedMarker {
  const at = `offset ${message.offset}`
  let parsed: unknown
  try {
    parsed = JSON.parse(message.value?.toString() ?? 'null')
  } catch (error) {
    throw markerUnreadable(topic, partition, `${at} is no JSON`, error)
  }
  const { commit, digest } = (parsed ?? {}) as { readonly commit?: unknown; readonly digest?: unknown }
  if (!Number.isSafeInteger(commit) || typeof digest !== 'string') {
    throw markerUnreadable(topic, partition, `${at} holds ${message.value?.toString() ?? 'nothing'}`)
  }
  return { commit: commit as number, digest }
}

function markerUnreadable(topic: string, partition: number, what: string, cause?: unknown): WindrowError {
  return new WindrowError(`the published marker in ${topic}/${partition} cannot be read: ${what}`, {
    code: 'MARKER_UNREADABLE',
    cause,
  })
}
