/** Replaces src/adapters/kafka/publisher.ts in the processors of a negative control. */
import * as good from '../../../src/adapters/kafka/publisher.ts'
import type { AtomicPublishers } from '../../../src/ports/index.ts'
import { FAULT } from './fault.ts'

export function createKafkaPublisherFactory(options: good.PublisherOptions): AtomicPublishers {
  const ports = good.kafkaPublisherPorts(options.connection)
  return good.createPublisherFactory(options, FAULT.publisher?.(ports, options) ?? ports)
}
