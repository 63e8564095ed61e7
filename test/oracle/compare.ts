/** Holds what a run of a random workload published against what the oracle says of the same lines. */
import type { PublishedRun } from '../support/run-workload.ts'
import type { RandomWorkload } from '../support/random-workload.ts'
import { Oracle, type Effect, type OracleAnswer, type OracleResult } from './oracle.ts'

/** What both sides say of one thing, as texts that are equal if and only if the sides agree. */
type Said = Map<string, string>

interface Certificate {
  readonly partition: number
  readonly sequence: number
  readonly window: { readonly start: number } | null
  readonly trigger: string | null
  readonly offsets: { readonly last: number }
  readonly counts: Readonly<Record<string, number>>
}

/** Where run and oracle disagree, as `thing: run …, oracle …`; empty: nowhere. */
export function disagreements({ rules, partitions }: RandomWorkload, run: PublishedRun): string[] {
  const certificates = run.certificates.map((line) => JSON.parse(line) as Certificate)
  const published: Said = new Map()
  const expected: Said = new Map()
  for (const line of run.results) say(published, ...resultOf(JSON.parse(line) as PublishedResult))
  for (const line of run.deadLetters) say(published, ...deadLetterOf(line))
  for (const [partition, lines] of partitions.entries()) {
    const own = certificates.filter((one) => one.partition === partition).sort((a, b) => a.sequence - b.sequence)
    const effects = own.map(({ window, trigger, offsets }): Effect => {
      return { cut: offsets.last, closed: window?.start ?? null, trigger: trigger ?? '' }
    })
    const answer = new Oracle(rules).answer(lines, effects)
    for (const [i, { counts, sequence }] of own.entries()) {
      say(published, `counts of certificate ${partition}/${sequence}`, fatesOf(counts))
      say(expected, `counts of certificate ${partition}/${sequence}`, String(answer.fates[i]))
    }
    sayAnswer(expected, answer, partition)
  }
  const things = [...new Set([...published.keys(), ...expected.keys()])].sort()
  return things
    .filter((thing) => published.get(thing) !== expected.get(thing))
    .map((thing) => `${thing}:\n  run    ${published.get(thing)}\n  oracle ${expected.get(thing)}`)
}

function say(said: Said, thing: string, text: string): void {
  // What is published twice must not hide behind its equal.
  said.set(thing, said.has(thing) ? `${said.get(thing)} and again ${text}` : text)
}

function sayAnswer(expected: Said, { results, deadLetters }: OracleAnswer, partition: number): void {
  for (const result of results) say(expected, nameOf(result), JSON.stringify(result))
  for (const letter of deadLetters) {
    const [offset = '', reason = ''] = letter.split(/ (.*)/)
    say(expected, `dead letter ${partition}/${offset}`, reason)
  }
}

const FATES = ['consumed', 'accepted', 'duplicate', 'conflict', 'late', 'rejected', 'manifests', 'noReading']
const fatesOf = (counts: Readonly<Record<string, number>>): string => FATES.map((fate) => counts[fate] ?? 0).join(',')

const nameOf = ({ vmId, windowStart, revision }: Pick<OracleResult, 'vmId' | 'windowStart' | 'revision'>): string =>
  `${vmId}@${windowStart} revision ${revision}`

type Ranges = readonly (readonly [number, number])[]

interface PublishedResult extends Omit<
  OracleResult,
  'missing' | 'unexpected' | 'producers' | 'metrics' | 'lifetime' | 'noReadings'
> {
  readonly noReadings?: number
  readonly missing: Ranges
  readonly unexpected: Ranges
  readonly producers?: readonly { producer: string; expected: number | null; received: number; replaced?: true }[]
  readonly metrics: Readonly<Record<string, { count: number; sum: number; min: number; max: number }>>
  readonly state: Readonly<Record<string, { lifetimeCount: number }>> | null
}

const seqsOf = (ranges: Ranges): number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))

/** A published result in the form of the oracle's. */
function resultOf(result: PublishedResult): [name: string, text: string] {
  const plain = { producer: '', expected: result.expected, received: result.received }
  const producers = (result.producers ?? [plain]).map(({ producer, expected, received, ...more }) => {
    return `${producer} ${expected} ${received}${'replaced' in more && more.replaced === true ? ' replaced' : ''}`
  })
  const sorted = <T>(byMetric: Readonly<Record<string, T>>): [string, T][] =>
    Object.entries(byMetric).sort(([a], [b]) => (a < b ? -1 : 1))
  const form: OracleResult = {
    ...{ vmId: result.vmId, windowStart: result.windowStart, revision: result.revision, reason: result.reason },
    ...{ expected: result.expected, received: result.received },
    ...{ noReadings: result.noReadings ?? 0, duplicates: result.duplicates },
    ...{ conflicts: result.conflicts, missing: seqsOf(result.missing), missingCount: result.missingCount },
    ...{ unexpected: seqsOf(result.unexpected), deduplicated: result.deduplicated, producers },
    metrics: Object.fromEntries(
      sorted(result.metrics).map(([m, { count, sum, min, max }]) => [m, [count, sum, min, max]]),
    ),
    lifetime: Object.fromEntries(sorted(result.state ?? {}).map(([m, { lifetimeCount }]) => [m, lifetimeCount])),
  }
  return [nameOf(form), JSON.stringify(form)]
}

function deadLetterOf(line: string): [name: string, reason: string] {
  const { partition, offset, reason, detail } = JSON.parse(line) as {
    readonly partition: number
    readonly offset: number
    readonly reason: string
    readonly detail: string
  }
  const holder = /the record at offset (\d+)/.exec(detail)?.[1]
  return [`dead letter ${partition}/${offset}`, reason === 'conflict' ? `conflict ${holder}` : reason]
}
