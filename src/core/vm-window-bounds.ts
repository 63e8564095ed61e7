/** How much a VM window takes of what it is sent (I8), be it open or closed and amended. */
import type { Refusal } from './fate.ts'
import type { DataPoint, WindowManifest } from './point.ts'
import { ProducerWindow } from './producer-window.ts'
import { MAX_PROMISED_RANGES } from './promise.ts'
import { windowsOf } from './window-policy.ts'
import type { Windowing } from './windowing.ts'

type Producers = ReadonlyMap<string, ProducerWindow>

export function newProducerWindow(rules: Windowing): ProducerWindow {
  return new ProducerWindow(rules.maxSeqSpan, cadenceCountOf(rules))
}

/** Points that a producer sends in every window, where the rules say so. */
export function cadenceCountOf(rules: Windowing): number | null {
  return rules.expectEveryMs === null ? null : Math.floor(windowsOf(rules).usualMs / rules.expectEveryMs)
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
  const { vmId, producer, firstSeq, count, counts = 'samples' } = manifest
  const known = producers.get(producer)
  if (known === undefined) return refuseProducer(vmId, producers, producer, rules)
  if (known.isMixed(manifest)) {
    const detail = `the manifest counts ${counts}, and an earlier one of this producer and window does not`
    return { reason: 'manifest-mixed', detail: `${detail}; a manifest with "corrects": true replaces earlier ones` }
  }
  if (!known.refusesPromise(manifest, rules.maxMetricsPerVm)) return null
  const detail =
    `the manifests of this producer and window, with this one (firstSeq ${firstSeq}, count ${count}), promise over ` +
    `${MAX_PROMISED_RANGES} separate ranges of seqs or name over ${rules.maxMetricsPerVm} metrics`
  return { reason: 'manifest-too-large', detail }
}

/** What a dead letter says of a record whose identity another record holds with a different content. */
export function conflictOf(point: DataPoint, producer: ProducerWindow): Refusal {
  const offset = producer.holderOf(point)
  const holder = offset === null ? 'an earlier record' : `the record at offset ${offset}`
  const [identity, differs] =
    point.seq === null ? ['the timestamp', 'value'] : [`seq ${point.seq}`, 'timestamp or value']
  const detail =
    `${identity} of this producer and metric belongs to ${holder}, which has another ${differs}; ` +
    `this record has timestamp ${point.timestamp} and value ${point.value}`
  return { reason: 'conflict', detail }
}

export function refuseSeqSpan(seq: number | null, { seqs }: ProducerWindow, rules: Windowing): Refusal {
  if (seq === null) {
    const detail = `the window has more than ${rules.maxSeqSpan} points of this metric; raise maxSeqSpan`
    return { reason: 'seq-span', detail }
  }
  const { lowest, highest } = seqs
  const detail = `seq ${seq} is more than ${rules.maxSeqSpan} from the window's seqs ${lowest} to ${highest}`
  return { reason: 'seq-span', detail }
}
