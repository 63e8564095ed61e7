/** Opens the Prometheus sink for a run. */
import type { AtLeastOncePublisher, Sink } from '../../ports/index.ts'
import type { SinkContext } from '../sink.ts'
import { writeSamples, type RefusedSample } from './remote-writer.ts'
import { writeRequestsOf } from './samples.ts'
import { prometheusDestination, type PrometheusSetting } from './setting.ts'

/** Refused samples that an event names. */
const MAX_NAMED = 10

export function openPrometheusSink(setting: PrometheusSetting, { job, emit }: SinkContext): Sink {
  const destination = prometheusDestination(setting)
  const publisherOf = (partition: number): AtLeastOncePublisher => ({
    async publish({ marker: { commit }, results }) {
      const refused: RefusedSample[] = []
      for (const samples of writeRequestsOf(job, setting, results))
        refused.push(...(await writeSamples(setting.url, samples)))
      if (refused.length === 0) return
      const samples = refused.slice(0, MAX_NAMED).map(nameOf)
      emit({ kind: 'samples-refused', partition, window: null, commit, destination, count: refused.length, samples })
    },
    close: () => Promise.resolve(),
  })
  return {
    ...{ destination, delivery: 'at-least-once' },
    publishers: { open: (partition) => Promise.resolve(publisherOf(partition)) },
  }
}

/** `windrow_mean{job="fleet",metric="cpu",vm_id="vm-1"} at 2026-03-02T01:00:00.000Z: out of order sample`. */
function nameOf({ sample: { labels, timestampMs }, reason }: RefusedSample): string {
  const [[, name] = ['', ''], ...others] = labels
  const series = `${name}{${others.map(([label, text]) => `${label}=${JSON.stringify(text)}`).join(',')}}`
  return `${series} at ${new Date(timestampMs).toISOString()}: ${reason}`
}
