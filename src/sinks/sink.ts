/**
 * What a sink defines. A sink is a kind of destination for results: files, Kafka, a database. Its folder exports one
 * `SinkDefinition`, and registry.ts registers it with one line; nothing else in Windrow names it.
 */
import type { SidecarHttp } from '../adapters/dapr/invoke.ts'
import type { DaprApi } from '../adapters/dapr/runtime-api.ts'
import type { KafkaConnection } from '../adapters/kafka/client.ts'
import type { PipelineObserver } from '../ports/events.ts'
import type { Clock, Sink, StateStore } from '../ports/index.ts'

/** A destination as the settings name it: the text of `--results`, parsed by the sink of this kind. Plain data. */
export interface SinkSetting {
  /** The `kind` of the sink's definition. */
  readonly kind: string
}

export interface SinkDefinition<S extends SinkSetting = SinkSetting> {
  readonly kind: S['kind']
  /** How users write the setting, for help texts: `kafka:TOPIC`. */
  readonly form: string
  /** Completes "Give …" in error messages: `kafka: and a topic name`. */
  readonly expects: string
  /** The delivery guarantee, in one sentence for users. */
  readonly guarantee: string
  /** The setting, or what is wrong with it; `null` if the text does not belong to this sink. */
  parse(text: string): S | { readonly problem: string } | null
  /** Names the destination in messages. Two settings name the same destination exactly if this text is equal. */
  destination(setting: S): string
  /** Whether `--brokers` is required. */
  readonly needsBrokers?: true
  /** Whether the setting requires a daprd: the embedded sidecar has no components. Absent if none does. */
  needsDaprd?(setting: S): boolean
  /** Whether a job may have more than one destination of this kind. */
  readonly allowsSeveral?: true
  /**
   * Where dead letters and certificates go by default if results go to `setting`. Defined by sinks that store them as
   * well; every job needs at least one such sink.
   */
  companions?(setting: S, job: JobFolders): Companions<S>
  /** Opens the destination for a run: creates topics or tables, connects. Called after the sidecar is ready. */
  open(outputs: SinkOutputs<S>, context: SinkContext): Promise<Sink>
  /** Opens the destination for commands that read published results. Absent if it cannot be read back. */
  openReader?(outputs: SinkOutputs<S>, context: ReaderContext): Promise<PublishedReader>
}

export interface JobFolders {
  readonly job: string
  readonly dataDir: string
}

export interface Companions<S extends SinkSetting = SinkSetting> {
  readonly deadLetters: S
  readonly certificates: S
}

/** Everything that one sink publishes. Companions are absent if the sink does not define any. */
export interface SinkOutputs<S extends SinkSetting = SinkSetting> extends Partial<Companions<S>> {
  readonly results: S
}

export interface ReaderContext {
  readonly job: string
  /** The connection that the settings describe. Rejects with a ConfigurationError if one of its files cannot be read. */
  kafkaConnection(): Promise<KafkaConnection>
}

/** What a run provides to its sinks. */
export interface SinkContext extends ReaderContext {
  readonly partitions: number
  /** The topic that the job reads; `null` if it reads files. */
  readonly sourceTopic: string | null
  readonly clock: Clock
  /** For what a sink has to remember beyond a batch, under keys that begin with the job's name and the sink's kind. */
  readonly store: StateStore
  /** Emits an event about a partition that a publisher of the sink writes. */
  readonly emit: PipelineObserver
  /** The setting `deadline`. */
  readonly deadlineMs: number | null
  /** The Dapr API of the run's sidecar. */
  readonly dapr: DaprApi
  /** Where and for how long apps are called through that sidecar. */
  readonly invocation: SidecarHttp & { readonly timeoutMs: number }
}

/** Reads what a job has published, oldest first. Lines are JSON texts. A run may publish more at the same time. */
export interface PublishedReader {
  results(): AsyncIterable<string>
  /** All certificates published when the reader was opened have their results in `results()`. */
  certificates(): AsyncIterable<string>
  close(): Promise<void>
}
