/**
 * The ports: everything that the pipeline needs from its environment. Adapters implement them for files, Kafka and Dapr.
 * `test/support/memory-*.ts` implements them for the simulation, in which a seed decides which call fails and whether it
 * was applied before it failed.
 *
 *   state-store.ts       key-value store with compare-and-swap      source.ts     records of a partition, in offset order
 *   workflow-engine.ts   starts and awaits workflows                publisher.ts  where committed results are published
 *   clock.ts             time and pauses                            point-log.ts  the log that the gateway appends to
 *   events.ts            events that the pipeline emits             steps.ts      the steps of a commit, as events
 */
export type { StateStore, StoredValue } from './state-store.ts'
export type { OpenSource, Source, SourceEvent } from './source.ts'
export type { WorkflowEngine, WorkflowStatus } from './workflow-engine.ts'
export type {
  AtLeastOncePublisher,
  AtLeastOncePublishers,
  AtomicPublisher,
  AtomicPublishers,
  OutboxBatch,
  PublishedMarker,
  Sink,
} from './publisher.ts'
export type { Clock } from './clock.ts'
