/** Sends the workload to the topic, window by window, no faster than the job closes the windows. */
import type { Stack } from '../../src/dev/stack/index.ts'
import { produceKeyed } from '../stack/run-support.ts'
import { ledgersOf } from './ledgers.ts'
import type { FaultEnvironment } from './environment.ts'
import { WINDOW_MS, type Workload } from './workload.ts'

export class Feeder {
  readonly #env: FaultEnvironment
  readonly #workload: Workload
  windows = 0

  constructor(env: FaultEnvironment, workload: Workload) {
    this.#env = env
    this.#workload = workload
  }

  /** Sends the next window, and waits until the one before it is closed in every partition. */
  async feed(): Promise<void> {
    const { stack, job, partitions, topic, watch } = this.#env
    const before = this.#workload.windowStart - WINDOW_MS
    await produce(stack, topic, this.#workload.next())
    this.windows++
    if (this.windows === 1) return
    await watch.until(`window ${new Date(before).toISOString()} to be closed everywhere`, async () => {
      const ledgers = await ledgersOf(stack.description, job, partitions)
      return ledgers.every((ledger) => (ledger?.closedThrough ?? -Infinity) >= before) ? true : undefined
    })
  }

  /** Sends the records that are still in flight. */
  async finish(): Promise<void> {
    const { stack, topic } = this.#env
    await produce(stack, topic, this.#workload.rest())
  }
}

/** Sends each line once, in order, to the partition that Kafka's own clients choose for the key. */
function produce(stack: Stack, topic: string, lines: readonly string[]): Promise<void> {
  const settings = ['enable.idempotence=true', 'partitioner=murmur2_random']
  return produceKeyed(
    stack,
    topic,
    lines,
    settings.flatMap((setting) => ['-X', setting]),
  )
}
