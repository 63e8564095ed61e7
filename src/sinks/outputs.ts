/** A job's outputs: which sink publishes what, and the sinks opened for a run or for reading. */
import { WindrowError } from '../errors/index.ts'
import type { Sink } from '../ports/index.ts'
import { destinationOf, sinkOf } from './registry.ts'
import type {
  Companions,
  JobFolders,
  PublishedReader,
  ReaderContext,
  SinkContext,
  SinkOutputs,
  SinkSetting,
} from './sink.ts'

/** The settings that say what a job publishes. */
export interface OutputSettings extends JobFolders {
  readonly results: readonly SinkSetting[]
  readonly deadLetters: SinkSetting
  readonly certificates: SinkSetting
}

/**
 * What each sink of the job publishes. A sink that stores dead letters and certificates gets the places that the settings
 * name, if they are of its kind, and otherwise its own default places.
 */
export function outputsOf(settings: OutputSettings): SinkOutputs[] {
  return settings.results.map((results) => {
    const companions = sinkOf(results).companions?.(results, settings)
    if (companions === undefined) return { results }
    const named = (setting: SinkSetting, otherwise: SinkSetting): SinkSetting =>
      setting.kind === results.kind ? setting : otherwise
    return {
      results,
      deadLetters: named(settings.deadLetters, companions.deadLetters),
      certificates: named(settings.certificates, companions.certificates),
    }
  })
}

/** Where dead letters and certificates go by default: with the first sink that stores them; `null` if none does. */
export function companionsOf(results: readonly SinkSetting[], job: JobFolders): Companions | null {
  for (const setting of results) {
    const companions = sinkOf(setting).companions?.(setting, job)
    if (companions !== undefined) return companions
  }
  return null
}

/** Opens all sinks of a job, or none. */
export async function openSinks(settings: OutputSettings, context: SinkContext): Promise<readonly Sink[]> {
  const opened: Sink[] = []
  try {
    for (const outputs of outputsOf(settings)) opened.push(await sinkOf(outputs.results).open(outputs, context))
    return opened
  } catch (error) {
    await closeSinks(opened)
    throw error
  }
}

export async function closeSinks(sinks: readonly Sink[]): Promise<void> {
  for (const sink of sinks) await sink.close?.()
}

/**
 * Opens what the job has published: results from the first destination that the settings name, certificates from the
 * sink that stores them where the settings say.
 */
export async function openPublishedReader(settings: OutputSettings, context: ReaderContext): Promise<PublishedReader> {
  const all = outputsOf(settings)
  const first = all[0]
  const certified = all.find(({ results }) => results.kind === settings.certificates.kind)
  if (first === undefined || certified === undefined) throw new Error('the settings name no results to read')
  const results = await openReaderOf(first, context)
  if (first === certified) return results
  try {
    const certificates = await openReaderOf(certified, context)
    return {
      results: () => results.results(),
      certificates: () => certificates.certificates(),
      close: async () => void (await Promise.all([results.close(), certificates.close()])),
    }
  } catch (error) {
    await results.close()
    throw error
  }
}

async function openReaderOf(outputs: SinkOutputs, context: ReaderContext): Promise<PublishedReader> {
  const { results } = outputs
  const reader = await sinkOf(results).openReader?.(outputs, context)
  if (reader !== undefined) return reader
  throw new WindrowError(`${destinationOf(results)} cannot be read back`, { code: 'RESULTS_NOT_READABLE' })
}
