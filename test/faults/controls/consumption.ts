/** Replaces src/adapters/kafka/consumption.ts in the processors of a negative control. */
import * as good from '../../../src/adapters/kafka/consumption.ts'
import { FAULT } from './fault.ts'

export function createKafkaConsumption(options: good.ConsumptionOptions): good.KafkaConsumption {
  const consumption = good.createKafkaConsumption(options)
  const source = FAULT.source?.(consumption.source) ?? consumption.source
  return {
    source,
    start: () => consumption.start(),
    confirmMembership: () => consumption.confirmMembership(),
    close: () => consumption.close(),
  }
}
