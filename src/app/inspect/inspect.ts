/**
 * `windrow inspect`: reads the first records of a file or topic, guesses a mapping, decodes the sample by it, and reports what it
 * found.
 *
 * rows.ts      the records of the sample, with the dialect of CSV
 * rows-in.ts   where the rows are: in the records, or in arrays within them
 * levels.ts    the levels that lead to rows within records
 * facts.ts     the fields of the rows, with types and examples
 * units.ts     units behind numbers
 * times.ts     which field is the time, in which unit and zone
 * guess.ts     the mapping that the fields suggest
 * topic.ts     the first records of a topic
 */
import { stringify } from 'yaml'
import { readInputs } from '../../adapters/files/read-inputs.ts'
import type { WrittenMapping } from '../../config/field-mapping.ts'
import type { CsvDialect } from '../../adapters/mapping/spec.ts'
import { resolveConfig } from '../../config/resolve.ts'
import type { Config } from '../../config/settings.ts'
import { entriesOf } from '../../config/yaml-file.ts'
import { durationText } from '../../core/durations.ts'
import { decodedEntries } from '../../core/entries.ts'
import type { DataPoint, Decoded, EpochMs } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import { systemClock } from '../../retry/clock.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import { factsOf as fieldsOf, type FieldFacts } from './facts.ts'
import { guessMapping, type Guess } from './guess.ts'
import { sampleFile, type SampledCsv, type SampledRows } from './rows.ts'
import type { TopicSample } from './topic.ts'

export interface InspectRequest {
  /** A path, or `-` for nothing but a topic. */
  readonly file: string | null
  readonly topic: string | null
  /** Settings of the connection and the schema registry, for a topic. */
  readonly config: Config
}

/** What the sample holds, as the guessed mapping reads it. */
export interface SampleFacts {
  readonly points: number
  readonly noReadings: number
  readonly refused: number
  /** The first problem. */
  readonly firstProblem: string | null
  readonly vms: readonly string[]
  readonly firstTime: EpochMs | null
  readonly lastTime: EpochMs | null
  /** The most frequent interval between the points of a series; `null`: none is. */
  readonly everyMs: number | null
  readonly outOfOrder: number
  readonly duplicates: number
  /** Those of the duplicates whose value differs: perhaps their identity lacks a field. */
  readonly conflicts: number
  readonly gaps: number
  /** By metric, the values of its first series. */
  readonly metrics: ReadonlyMap<string, readonly number[]>
}

export interface Inspection {
  readonly format: string
  readonly separator: string | null
  readonly records: number
  readonly fields: readonly FieldFacts[]
  readonly facts: SampleFacts
  readonly notes: readonly string[]
  /** A settings file that runs. */
  readonly settings: string
}

export type Inspect = (request: InspectRequest, signal: AbortSignal) => Promise<Inspection>

/** Records that are decoded to describe the sample. */
const MAX_DECODED = 20_000

export const inspectInput: Inspect = async ({ file, topic, config }, signal) => {
  const sample = topic === null ? await sampleFile(file as string, signal) : null
  const inTopic = topic === null ? null : await sampleOf(topic, config)
  const records = sample?.records ?? inTopic?.records ?? []
  const guess = records.length === 0 ? null : guessMapping(records, sample?.csv ?? null, file)
  if (guess === null) throw noTime(records, sample?.csv ?? null)
  const settings = settingsOf(sample, guess)
  const decoded =
    inTopic === null ? await decodeFile(file as string, settings, signal) : await decodeTopic(inTopic, settings, config)
  const facts = factsOf(decoded)
  const notes = [...guess.notes, ...(facts.conflicts === 0 ? [] : [conflictNote(facts.conflicts)])]
  const format = sample?.format ?? inTopic?.format ?? 'JSON'
  const cadence =
    facts.everyMs !== null && settings.fields.seq === null ? { expectEvery: durationText(facts.everyMs) } : {}
  return {
    format,
    separator: sample?.csv?.separator ?? null,
    records: records.length,
    fields: guess.fields,
    facts,
    notes,
    settings: yamlOf({ ...settings, ...cadence }, notes, file ?? `kafka:${topic}`),
  }
}

/** As they are written into the file. */
interface GuessedSettings {
  readonly format?: string
  readonly csv?: CsvDialect
  readonly fields: WrittenMapping
  readonly allowAnyYear?: true
  readonly expectEvery?: string
}

function configOf(settings: GuessedSettings): Config {
  const given = Object.entries({ input: '-', ...settings }).map(([name, raw]) => ({
    name,
    raw: raw,
    place: name,
  }))
  return resolveConfig({ flags: {}, env: {}, file: { path: 'inspect', isBroken: false, ...entriesOf(given) } })
}

function settingsOf(sample: SampledRows | null, guess: Guess): GuessedSettings {
  const dialect = sample?.csv?.dialect ?? {}
  return {
    ...(sample === null ? {} : { format: sample.format }),
    ...(Object.keys(dialect).length === 0 ? {} : { csv: dialect }),
    fields: guess.mapping,
    ...(guess.needsAnyYear ? { allowAnyYear: true } : {}),
  }
}

function yamlOf(settings: GuessedSettings, notes: readonly string[], input: string): string {
  const head = [
    `Guessed by windrow inspect from ${input}; check it before you rely on it.`,
    ...notes.map((note) => `Note: ${note}.`),
  ]
  return `${head.map((line) => `# ${line}`).join('\n')}\n${stringify(settings, { lineWidth: 0 })}`
}

async function decodeFile(file: string, settings: GuessedSettings, signal: AbortSignal): Promise<Decoded[]> {
  const config = configOf(settings)
  const decoded: Decoded[] = []
  const stop = new AbortController()
  const records = readInputs({
    ...{ paths: [file], format: config.format, decode: decodeOptionsOf(config) },
    signal: AbortSignal.any([signal, stop.signal]),
  })
  for await (const record of records) {
    decoded.push(record.decoded)
    if (decoded.length === MAX_DECODED) break
  }
  stop.abort()
  return decoded
}

interface Series {
  readonly times: number[]
  readonly values: number[]
}

function factsOf(decoded: readonly Decoded[]): SampleFacts {
  const series = new Map<string, Series>()
  const metrics = new Map<string, readonly number[]>()
  const vms = new Set<string>()
  const seen = new Map<string, number>()
  const found = { points: 0, noReadings: 0, refused: 0, outOfOrder: 0, duplicates: 0, conflicts: 0 }
  let firstProblem: string | null = null
  let highest = -Infinity
  let lowest = Infinity
  const note = ({ vmId, metric, timestamp, seq, value }: DataPoint): void => {
    vms.add(vmId)
    const key = JSON.stringify([vmId, metric])
    const identity = `${seq ?? timestamp} ${key}`
    const known = seen.get(identity)
    if (known === undefined) seen.set(identity, value)
    else {
      found.duplicates++
      if (!Object.is(known, value)) found.conflicts++
    }
    if (timestamp < highest) found.outOfOrder++
    highest = Math.max(highest, timestamp)
    lowest = Math.min(lowest, timestamp)
    let one = series.get(key)
    if (one === undefined) series.set(key, (one = { times: [], values: [] }))
    one.times.push(timestamp)
    one.values.push(value)
    if (!metrics.has(metric)) metrics.set(metric, one.values)
  }
  for (const entry of decoded.flatMap(decodedEntries)) {
    if (entry.kind === 'undecodable') {
      found.refused++
      firstProblem ??= entry.detail
    } else if (entry.kind !== 'manifest') {
      found[entry.kind === 'point' ? 'points' : 'noReadings']++
      note(entry.point)
    }
  }
  const steps = [...series.values()].map(({ times }) => stepsOf(times))
  const everyMs = cadenceOf(steps)
  const gaps = everyMs === null ? 0 : steps.flat().filter((step) => step > everyMs * 1.5).length
  return {
    ...{ ...found, firstProblem, vms: [...vms], everyMs, gaps, metrics },
    firstTime: lowest === Infinity ? null : lowest,
    lastTime: lowest === Infinity ? null : highest,
  }
}

/** Differences between the sorted times of a series. */
function stepsOf(times: readonly number[]): number[] {
  const sorted = [...new Set(times)].sort((a, b) => a - b)
  return sorted.slice(1).map((time, i) => time - (sorted[i] as number))
}

const HOUR_MS = 3_600_000
/** Share of the steps that must be near the cadence. */
const REGULAR_SHARE = 0.8

/** The interval that nearly all steps of all series are near to; `null` if there is none. */
function cadenceOf(steps: readonly (readonly number[])[]): number | null {
  const all = steps.flat().sort((a, b) => a - b)
  const median = all[Math.floor(all.length / 2)]
  if (median === undefined || median <= 0 || median > HOUR_MS) return null
  const near = all.filter((step) => Math.abs(step - median) < median / 4).length
  if (all.length < 3 || near < all.length * REGULAR_SHARE) return null
  // Jitter of some milliseconds is not part of a cadence of seconds.
  const unit =
    median >= 60_000 ? 1000 * Math.min(60, Math.max(1, Math.round(median / 60_000))) : median >= 1000 ? 1000 : 1
  return Math.round(median / unit) * unit
}

/** Loaded when needed: files do without Kafka's client. */
async function sampleOf(topic: string, config: Config): Promise<TopicSample> {
  const { sampleTopic } = await import('./topic.ts')
  return sampleTopic(topic, config)
}

/** As a run over the topic with these settings would decode them. */
async function decodeTopic({ values }: TopicSample, settings: GuessedSettings, config: Config): Promise<Decoded[]> {
  const { recordDecoderOf } = await import('../record-decoder.ts')
  const { schemaRegistry } = config
  const decode = recordDecoderOf({ ...configOf(settings), schemaRegistry }, systemClock)
  const decoded: Decoded[] = []
  for (const { bytes, context } of values) decoded.push(await decode(bytes, context))
  return decoded
}

function conflictNote(conflicts: number): string {
  return (
    `${conflicts} points of the sample have the VM, metric and time (or seq) of another point, but another value; ` +
    'add the field that distinguishes them to fields.metric or fields.vmId'
  )
}

const MAX_SHOWN_FIELDS = 12

function noTime(records: readonly unknown[], csv: SampledCsv | null): WindrowError {
  const fields = fieldsOf(records, csv).map(({ path }) => path)
  const shown = fields.slice(0, MAX_SHOWN_FIELDS).join(', ') + (fields.length > MAX_SHOWN_FIELDS ? ', …' : '')
  const message =
    fields.length === 0
      ? 'the input has no record that can be read'
      : `no field of the records can be the time of each point; the fields are ${shown}`
  return new WindrowError(message, {
    code: 'INPUT_UNUSABLE',
    remedy:
      'A time is a number since 1970, a text such as 2026-03-02T10:00:00Z, or the key of a value. If the file is in a format of its ' +
      'own, convert it to JSON, CSV or the line protocol; else write the mapping by hand, as input.md describes, or pick a preset ' +
      'with --format.',
  })
}
