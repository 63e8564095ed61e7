/** The samples of a commit: one per VM window, metric and chosen figure, with the end of the window as its time. */
import type { EpochMs } from '../../core/point.ts'
import { figureOf, metricsOf, resultOfLine, storable, type ResultOfLine } from '../figures.ts'
import type { PrometheusSetting } from './setting.ts'

export interface RemoteSample {
  /** Pairs sorted by name, as remote write requires. The values are not empty. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly timestampMs: EpochMs
  readonly value: number
}

/** A request of this many samples has about 50 kB before compression. Prometheus itself sends at most 2,000. */
const MAX_SAMPLES_PER_REQUEST = 500

/**
 * Pure. The samples of `lines` in requests that are to be sent one after the other, by the time of the samples: Prometheus takes
 * the samples of a series in that order only. First revisions and later ones, which it often refuses, are in different
 * requests: one refused sample makes it roll back the whole request. Of several revisions, only the highest is written.
 */
export function writeRequestsOf(
  job: string,
  { figures, prefix }: PrometheusSetting,
  lines: readonly string[],
): readonly (readonly RemoteSample[])[] {
  const requests: RemoteSample[][] = []
  for (const results of groupsOf(lines)) {
    const samples = results.flatMap((result) => samplesOf(result, job, figures, prefix))
    for (let at = 0; at < samples.length; at += MAX_SAMPLES_PER_REQUEST) {
      requests.push(samples.slice(at, at + MAX_SAMPLES_PER_REQUEST))
    }
  }
  return requests
}

/** The results of one time each, first revisions before later ones. */
function groupsOf(lines: readonly string[]): ResultOfLine[][] {
  const newest = new Map<string, ResultOfLine>()
  for (const line of lines) {
    const result = resultOfLine(line)
    const key = `${result.windowStart} ${result.vmId}`
    if (result.revision > (newest.get(key)?.revision ?? 0)) newest.set(key, result)
  }
  const groups = new Map<string, ResultOfLine[]>()
  for (const result of newest.values()) {
    const key = `${result.windowEnd} ${isFirst(result)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [result])
    else group.push(result)
  }
  const order = ([a]: ResultOfLine[], [b]: ResultOfLine[]): number =>
    a === undefined || b === undefined ? 0 : a.windowEnd - b.windowEnd || Number(isFirst(b)) - Number(isFirst(a))
  return [...groups.values()].sort(order)
}

const isFirst = ({ revision }: ResultOfLine): boolean => revision === 1

function samplesOf(result: ResultOfLine, job: string, figures: readonly string[], prefix: string): RemoteSample[] {
  const samples: RemoteSample[] = []
  for (const [metric, values] of metricsOf(result)) {
    for (const figure of figures) {
      const value = figureOf(values, figure)
      if (value === null) continue
      const labels = [
        ...[['__name__', `${prefix}${figure}`] as const, ['job', job] as const],
        ...[['metric', storable(metric)] as const, ['vm_id', storable(result.vmId)] as const],
      ]
      // To Prometheus, a label without a value is no label.
      samples.push({ labels: labels.filter(([, text]) => text !== ''), timestampMs: result.windowEnd, value })
    }
  }
  return samples
}
