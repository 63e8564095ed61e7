/** Replaces src/adapters/dapr/state-store.ts in the processors of a negative control. */
import * as good from '../../../src/adapters/dapr/state-store.ts'
import type { StateStore } from '../../../src/ports/index.ts'
import { FAULT } from './fault.ts'

export function createDaprStateStore(options: good.DaprStateStoreOptions): StateStore {
  const store = good.createDaprStateStore(options)
  return FAULT.store?.(store) ?? store
}
