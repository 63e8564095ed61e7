/** How much a VM window takes of what it is sent (I8), be it open or closed and amended. */
import type { Refusal } from './fate.ts'
import type { WindowManifest } from './point.ts'
import { MAX_PROMISED_RANGES, ProducerWindow } from './producer-window.ts'
import { SeqSet } from './seq-set.ts'
import type { Windowing } from './windowing.ts'

type Producers = ReadonlyMap<string, ProducerWindow>

export function newProducerWindow(rules: Windowing): ProducerWindow {
  return new ProducerWindow(new SeqSet(rules.maxSeqSpan), cadenceCountOf(rules))
}

/** Points that a producer sends in every window, where the rules say so. */
export function cadenceCountOf(rules: Windowing): number | null {
  return rules.expectEveryMs === null ? null : Math.floor(rules.sizeMs / rules.expectEveryMs)
}

export function refuseMetric(vmId: string, rules: Windowing): Refusal {
  const detail = `VM ${vmId} already has ${rules.maxMetricsPerVm} metrics in this window; maxMetricsPerVm bounds them`
  return { reason: 'too-many-metrics', detail }
}

export function refuseProducer(vmId: string, producers: Producers, name: string, rules: Windowing): Refusal | null {
  if (producers.size < rules.maxProducersPerVm || producers.has(name)) return null
  return {
    reason: 'too-many-producers',
    detail: `VM ${vmId} has ${producers.size} producers in this window; maxProducersPerVm is ${rules.maxProducersPerVm}`,
  }
}

export function refuseManifestOf(producers: Producers, manifest: WindowManifest, rules: Windowing): Refusal | null {
  const { vmId, producer, firstSeq, count } = manifest
  if (producers.get(producer)?.refusesPromise(firstSeq, count) !== true) {
    return refuseProducer(vmId, producers, producer, rules)
  }
  const detail = `seq ${firstSeq} and ${count - 1} more leave over ${MAX_PROMISED_RANGES} ranges of promised seqs apart`
  return { reason: 'manifest-too-large', detail }
}

export function refuseSeqSpan(seq: number, { seqs }: ProducerWindow, rules: Windowing): Refusal {
  const { lowest, highest } = seqs
  const detail = `seq ${seq} is more than ${rules.maxSeqSpan} from the window's seqs ${lowest} to ${highest}`
  return { reason: 'seq-span', detail }
}
