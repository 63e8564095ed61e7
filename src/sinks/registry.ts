/**
 * The sinks that Windrow knows. To add one, write its folder and register it here. The text of `--results` is matched to
 * a sink here and nowhere else.
 *
 *   sink.ts      what a sink defines                     files/   NDJSON files, exactly once
 *   outputs.ts   which sink publishes what; opens them   kafka/   Kafka topics, exactly once
 *                                                        pubsub/  topics of Dapr pub/sub components, at least once
 *                                                        notify/  methods of Dapr apps, called with certificates
 *   result-event.ts  results as CloudEvents              binding/ Dapr output bindings, at least once
 *                                                        postgres/  tables of PostgreSQL and TimescaleDB, exactly once
 *   event-publisher.ts  publishes them in order per VM      parquet/   Parquet files, exactly once
 *   figures.ts   figures of results, for tables              prometheus/  remote write of figures, at least once
 *                                                        windows/   windows of the whole job, at least once
 */
import { bindingSink } from './binding/sink.ts'
import { filesSink } from './files/sink.ts'
import { kafkaSink } from './kafka/sink.ts'
import { notifySink } from './notify/sink.ts'
import { postgresSink } from './postgres/sink.ts'
import { parquetSink } from './parquet/sink.ts'
import { prometheusSink } from './prometheus/sink.ts'
import { pubsubSink } from './pubsub/sink.ts'
import type { SinkDefinition, SinkSetting } from './sink.ts'
import { windowsSink } from './windows/sink.ts'

const sinks = new Map<string, SinkDefinition>()

/** Makes a sink known to all settings; the returned function removes it again. */
export function registerSink<S extends SinkSetting>(sink: SinkDefinition<S>): () => void {
  if (sinks.has(sink.kind)) throw new Error(`two sinks have the kind ${sink.kind}`)
  // A definition is only given settings of its own kind, see `sinkOf`.
  sinks.set(sink.kind, sink)
  return () => sinks.delete(sink.kind)
}

registerSink(filesSink)
registerSink(kafkaSink)
registerSink(pubsubSink)
registerSink(bindingSink)
registerSink(notifySink)
registerSink(postgresSink)
registerSink(parquetSink)
registerSink(prometheusSink)
registerSink(windowsSink)

export function registeredSinks(): readonly SinkDefinition[] {
  return [...sinks.values()]
}

/** How users write the destinations of these sinks: `FILE.ndjson or kafka:TOPIC`. */
export function formsOfSinks(wanted: (sink: SinkDefinition) => boolean = () => true): string {
  const forms = registeredSinks()
    .filter(wanted)
    .map(({ form }) => form)
  const last = forms.pop() ?? ''
  return forms.length === 0 ? last : `${forms.join(', ')} or ${last}`
}

/** The sink that a setting belongs to. */
export function sinkOf({ kind }: SinkSetting): SinkDefinition {
  const sink = sinks.get(kind)
  if (sink === undefined) throw new Error(`no sink of the kind ${kind} is registered`)
  return sink
}

/** Parses the text of a setting; `null` if no sink recognizes it. */
export function parseSink(text: string): SinkSetting | { readonly problem: string } | null {
  for (const sink of sinks.values()) {
    const parsed = sink.parse(text)
    if (parsed !== null) return parsed
  }
  return null
}

/** Names the destination of a setting in messages: `topic vm-results`. */
export function destinationOf(setting: SinkSetting): string {
  return sinkOf(setting).destination(setting)
}
