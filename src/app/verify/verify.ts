/** `windrow verify`: opens the records, results and certificates that a job's settings name, and compares them. */
import { join } from 'node:path'
import { describeInputs, STDIN } from '../../adapters/files/inputs.ts'
import { openOrderedInput } from '../../adapters/files/ordered-input.ts'
import { Numbering } from '../../adapters/files/record.ts'
import type { Config } from '../../config/settings.ts'
import { aggregatorId } from '../../core/aggregator.ts'
import { RATE_ID } from '../../core/rate.ts'
import { rateRecount } from '../../verify/rate-recount.ts'
import { SUMMARY_ID } from '../../core/summary.ts'
import { partitionOf } from '../../core/murmur2.ts'
import { divide, entryVmId } from '../../core/entries.ts'
import type { DecodedEntry, SourceRecord } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import { openOutputs } from '../../replay/published.ts'
import { jobWindowsReader } from '../../sinks/windows/reader.ts'
import type { VerifyReport } from '../../verify/report.ts'
import type { TimeRange } from '../../verify/selection.ts'
import { verify, type VerifyProgress } from '../../verify/verify.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import { loadAggregator } from '../load-aggregator.ts'
import { rulesOf, windowRulesOf } from '../rules.ts'
import type { OpenedRecords } from './opened-records.ts'

export type RunVerify = (
  config: Config,
  range: TimeRange,
  observe: (progress: VerifyProgress) => void,
  signal: AbortSignal,
) => Promise<VerifyReport>

/** Reads only. Rejects with a WindrowError. */
export const runVerify: RunVerify = async (config, range, observe, signal) => {
  const loaded = await loadAggregator(config.aggregator)
  const id = aggregatorId(loaded)
  const published = await openOutputs(config, 'windrow-verify')
  try {
    const opened = config.source === 'files' ? openFiles(config, signal) : await openTopics(config)
    try {
      const { records, logRanges } = opened
      const jobWindows = jobWindowsReader(config.results)
      const sources = {
        ...{ records, logRanges },
        results: () => published.results(),
        certificates: () => published.certificates(),
        ...(jobWindows === null ? {} : { jobWindows }),
      }
      const rules = rulesOf(config, opened.hasBrokerClock)
      const aggregator = { id, own: id === SUMMARY_ID ? null : id === RATE_ID ? rateRecount : loaded }
      return await verify(sources, { job: config.job, rules, range, aggregator }, observe, signal)
    } finally {
      await opened.close()
    }
  } catch (error) {
    throw error instanceof WindrowError && error.code === 'NOTHING_PUBLISHED' ? nothingToVerify(error) : error
  } finally {
    await published.close()
  }
}

async function openTopics(config: Config): Promise<OpenedRecords> {
  // Loaded when needed: files do without Kafka's client.
  const { openKafkaRecords } = await import('./kafka.ts')
  return openKafkaRecords(config)
}

function openFiles(config: Config, signal: AbortSignal): OpenedRecords {
  return {
    hasBrokerClock: false,
    close: () => Promise.resolve(),
    logRanges: async (partitions) => new Map(partitions.map((partition) => [partition, { start: 0, end: Infinity }])),
    async records(spans, take) {
      const inputs = await describeInputs(config.input)
      if (inputs.some(({ path }) => path === STDIN)) throw noSecondReading()
      const { order, format, graceMs, amendWindows } = config
      const folder = join(config.dataDir, `${config.job}.verify-${process.pid}.sort`)
      const rules = { ...windowRulesOf(config), graceMs, amendWindows }
      const decode = decodeOptionsOf(config)
      const options = { inputs, order, rules, format, decode, folder, onProgress: () => undefined }
      // The order follows from the records and the settings, so it is the one that the run found.
      const ordered = await openOrderedInput(options, null, signal)
      if (ordered === null) return
      try {
        const batches = new Batches(take)
        for await (const { records } of ordered.read(new Numbering(0), signal)) {
          if (signal.aborted) return
          for (const record of records) {
            for (const [partition, decoded] of divide(record.decoded, (entry) =>
              partitionIn(entry, config.partitions),
            )) {
              const span = spans.get(partition)
              if (span !== undefined && record.offset >= span.from && record.offset < span.to)
                batches.add(partition, decoded === record.decoded ? record : record.with(decoded))
            }
          }
        }
        batches.flush()
      } finally {
        await ordered.close()
      }
    },
  }
}

/** As the source of files shares records out. */
function partitionIn(entry: DecodedEntry, partitions: number): number {
  const vmId = entryVmId(entry)
  return vmId === null ? 0 : partitionOf(vmId, partitions)
}

const BATCH_RECORDS = 4096

class Batches {
  readonly #take: (partition: number, records: readonly SourceRecord[]) => void
  readonly #waiting = new Map<number, SourceRecord[]>()

  constructor(take: (partition: number, records: readonly SourceRecord[]) => void) {
    this.#take = take
  }

  add(partition: number, record: SourceRecord): void {
    const waiting = this.#waiting.get(partition)
    if (waiting === undefined) this.#waiting.set(partition, [record])
    else if (waiting.push(record) === BATCH_RECORDS) {
      this.#take(partition, waiting)
      this.#waiting.delete(partition)
    }
  }

  flush(): void {
    for (const [partition, records] of this.#waiting) this.#take(partition, records)
    this.#waiting.clear()
  }
}

function nothingToVerify(cause: WindrowError): WindrowError {
  return new WindrowError(cause.message, { code: 'NOTHING_TO_VERIFY', remedy: cause.remedy, cause })
}

function noSecondReading(): WindrowError {
  return new WindrowError('standard input cannot be read a second time', {
    code: 'NOTHING_TO_VERIFY',
    remedy: 'Give the records as a file with --input.',
  })
}
