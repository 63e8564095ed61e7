/** What stays known of a closed VM window: which seqs each producer sent and promised, and the names of its metrics. */
import type { Refusal } from './fate.ts'
import type { WindowManifest } from './point.ts'
import type { ProducerWindow } from './producer-window.ts'
import { newProducerWindow, refuseManifestOf, refuseMetric, refuseProducer } from './vm-window-bounds.ts'
import type { VmWindow } from './vm-window.ts'
import type { Windowing } from './windowing.ts'

export class RememberedVm {
  readonly metrics: Set<string>
  /** Shared with the VM window that closed, which may not be stored yet, until the first change. */
  #producers: ReadonlyMap<string, ProducerWindow>
  #own: Map<string, ProducerWindow> | null = null

  constructor(producers: ReadonlyMap<string, ProducerWindow>, metrics: Iterable<string>) {
    this.#producers = producers
    this.metrics = new Set(metrics)
  }

  static of(vm: VmWindow): RememberedVm {
    return new RememberedVm(vm.producers, vm.metricNames())
  }

  get producers(): ReadonlyMap<string, ProducerWindow> {
    return this.#producers
  }

  /** Whether anything came since the window closed. */
  get isChanged(): boolean {
    return this.#own !== null
  }

  /** Its producers, for changing them. */
  changed(): Map<string, ProducerWindow> {
    if (this.#own === null) {
      this.#own = new Map([...this.#producers].map(([known, producer]) => [known, producer.copy()]))
      this.#producers = this.#own
    }
    return this.#own
  }

  /** For changing it. */
  producer(name: string, rules: Windowing): ProducerWindow {
    const own = this.changed()
    let producer = own.get(name)
    if (producer === undefined) own.set(name, (producer = newProducerWindow(rules)))
    return producer
  }

  /** Takes in what came late. */
  unite(late: VmWindow, rules: Windowing): void {
    for (const [name, producer] of late.producers) this.producer(name, rules).unite(producer)
    for (const metric of late.metricNames()) this.metrics.add(metric)
  }

  refusesMetric(vmId: string, metric: string, rules: Windowing): Refusal | null {
    return this.metrics.has(metric) || this.metrics.size < rules.maxMetricsPerVm ? null : refuseMetric(vmId, rules)
  }

  refusesProducer(vmId: string, name: string, rules: Windowing): Refusal | null {
    return refuseProducer(vmId, this.#producers, name, rules)
  }

  refusesManifest(manifest: WindowManifest, rules: Windowing): Refusal | null {
    return refuseManifestOf(this.#producers, manifest, rules)
  }
}
