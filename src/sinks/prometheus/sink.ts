/**
 * The Prometheus sink, `--results prometheus:URL`: chosen figures of each result by remote write 1.0
 * (https://prometheus.io/docs/specs/prw/remote_write_spec/), with the end of the window as the time of the sample.
 *
 *   setting.ts  parses the address           write-request.ts  encodes samples as a request
 *   samples.ts  the samples of a commit      remote-writer.ts  sends them, and isolates those that are refused
 *   open.ts     opens the sink for a run
 */
import type { SinkDefinition } from '../sink.ts'
import { parsePrometheus, PROMETHEUS_FORM, prometheusDestination, type PrometheusSetting } from './setting.ts'

export const prometheusSink: SinkDefinition<PrometheusSetting> = {
  kind: 'prometheus',
  form: PROMETHEUS_FORM,
  expects: 'prometheus: and an address, as in prometheus:http://HOST:9090/api/v1/write',
  guarantee: 'At least once: a crash repeats the samples of a commit. Prometheus may refuse revisions.',
  parse: parsePrometheus,
  destination: prometheusDestination,
  allowsSeveral: true,
  open: async ({ results }, context) => (await import('./open.ts')).openPrometheusSink(results, context),
}
