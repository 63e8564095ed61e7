/** Opens the feeds of a job's outputs, by the settings that say where it publishes. */
import { dirname, resolve } from 'node:path'
import { createCertificateDecoder } from '../../adapters/avro/encode-certificate.ts'
import { createDeadLetterDecoder } from '../../adapters/avro/encode-dead-letter.ts'
import { createResultDecoder } from '../../adapters/avro/encode-result.ts'
import type { LineDecoder } from '../../adapters/avro/decode-line.ts'
import { sideFileOf } from '../../adapters/files/published-lines.ts'
import type { SideFile } from '../../adapters/files/side-file.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import { WindrowError } from '../../errors/index.ts'
import { filePathOf } from '../../sinks/files/setting.ts'
import { topicNameOf } from '../../sinks/kafka/setting.ts'
import { tableSettingOf } from '../../sinks/postgres/setting.ts'
import { destinationOf } from '../../sinks/registry.ts'
import type { OutputSettings } from '../../sinks/outputs.ts'
import type { SinkSetting } from '../../sinks/sink.ts'
import type { Feed } from './feed.ts'
import { FileFeed } from './file-feed.ts'
import type { PublishedFeeds } from './published.ts'

/** Of a results file, at most so many bytes are read: about as many results as the index keeps. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024
/** Records of each partition of the results topic that are read. */
const RESULTS_BACK = 200_000
const OTHERS_BACK = 50_000
/** Rows of a table of results that are read: as many as the index keeps. */
const MAX_TABLE_ROWS = 1_000_000

export type FeedSettings = OutputSettings & KafkaSettings

export async function openFeeds(settings: FeedSettings): Promise<PublishedFeeds> {
  const results = settings.results.find(isReadable) ?? settings.results[0]
  if (results === undefined) throw new Error('the settings name no results')
  const { certificates, deadLetters } = settings
  const open = (part: Part, setting: SinkSetting, decode: LineDecoder, back: number): Promise<Feed> =>
    openFeed(settings, results, { part, setting, decode, back })
  return {
    results: await open('results', results, createResultDecoder(), RESULTS_BACK),
    certificates: await open('certificates', certificates, createCertificateDecoder(), OTHERS_BACK),
    deadLetters: await open('deadLetters', deadLetters, createDeadLetterDecoder(), OTHERS_BACK),
  }
}

function isReadable(setting: SinkSetting): boolean {
  return filePathOf(setting) !== null || topicNameOf(setting) !== null || tableSettingOf(setting) !== null
}

interface FeedRequest {
  readonly part: Part
  readonly setting: SinkSetting
  readonly decode: LineDecoder
  /** Records of each partition of a topic that are read. */
  readonly back: number
}

async function openFeed(
  settings: FeedSettings,
  results: SinkSetting,
  { part, setting, decode, back }: FeedRequest,
): Promise<Feed> {
  const path = filePathOf(setting)
  if (path !== null) {
    const publishedBytes = sideReader(filePathOf(results))(part)
    return new FileFeed({ path, publishedBytes: () => publishedBytes(path), maxBytes: MAX_FILE_BYTES })
  }
  const table = tableSettingOf(setting)
  const ofResults = tableSettingOf(results) ?? table
  if (table !== null && ofResults !== null) {
    const { TableFeed } = await import('./table-feed.ts')
    return new TableFeed({ part, setting: table, results: ofResults, maxRows: MAX_TABLE_ROWS })
  }
  const topic = topicNameOf(setting)
  if (topic === null) return unreadableFeed(setting)
  const connection = kafkaConnectionOf(settings, 'windrow-ui')
  // Loaded when needed, as the client of PostgreSQL: jobs on files do without both.
  const { TopicFeed } = await import('./topic-feed.ts')
  return new TopicFeed({ connection, topic, decode, back })
}

type Part = 'results' | 'certificates' | 'deadLetters'

/** How much of a file is published, by the side file of the results; `null` for a file that it does not name. */
function sideReader(results: string | null): (part: Part) => (path: string) => Promise<number | null> {
  return (part) => async (path) => {
    const side = results === null ? null : await sideFileOf(results)
    return results === null || side === null ? null : bytesIn(side, part, results, path)
  }
}

function bytesIn(side: SideFile, part: Part, results: string, path: string): number | null {
  if (part === 'results') return side.results.bytes
  return resolve(dirname(results), side[part].path) === resolve(path) ? side[part].bytes : null
}

/** A destination that cannot be read back: the page says so and shows the rest. */
function unreadableFeed(setting: SinkSetting): Feed {
  const refuse = (): never => {
    throw new WindrowError(`${destinationOf(setting)} cannot be read back`, { code: 'RESULTS_NOT_READABLE' })
  }
  return {
    sync: async () => refuse(),
    read: async () => refuse(),
    progress: { done: 0, total: 0 },
    isTruncated: false,
    close: () => Promise.resolve(),
  }
}
