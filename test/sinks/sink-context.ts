/** What a run gives its sinks, for tests of one sink. */
import { systemClock } from '../../src/retry/clock.ts'
import type { SinkContext } from '../../src/sinks/sink.ts'
import { MemoryStore } from '../support/memory-store.ts'

/** A job of one partition. `own`: what the sink uses; nothing else answers. */
export function sinkContext(own: Pick<SinkContext, 'dapr'> & Partial<SinkContext>): SinkContext {
  return {
    ...{
      job: 'fleet',
      partitions: 1,
      sourceTopic: null,
      store: new MemoryStore(),
      deadlineMs: null,
      clock: systemClock,
    },
    emit: () => undefined,
    invocation: { host: '127.0.0.1', httpPort: 1, timeoutMs: 1 },
    kafkaConnection: () => Promise.reject(new Error('this sink needs no brokers')),
    ...own,
  }
}
