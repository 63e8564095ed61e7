/** An input that only this process reads: it owns all partitions, and one reader serves them. */
import type { Json } from '../../core/json.ts'
import type { Source } from '../../ports/index.ts'
import { driveAll } from './drive.ts'
import type { Input } from './input.ts'

export interface SoleInputOptions {
  readonly source: Source
  readonly partitions: number
  readonly isRepeatable: boolean
  readonly identity: Json
  check(before: Json): void
}

export function createSoleInput(options: SoleInputOptions): Input {
  const firstOffset = (): Promise<number> => Promise.resolve(0)
  return {
    ...options,
    check: (before) => options.check(before),
    hasBrokerClock: false,
    drive: (run, _store, signal) =>
      driveAll(options.partitions, (partition, both) => run(partition, both, firstOffset), signal),
    close: () => Promise.resolve(),
  }
}
