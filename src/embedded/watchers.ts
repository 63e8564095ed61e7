/** Callers that wait for an instance to reach a state. They wait by id, so the instance need not exist yet. */
import type { Call } from './grpc.ts'

interface Watcher<T> {
  readonly condition: (instance: T) => boolean
  readonly resolve: (instance: T) => void
}

export class Watchers<T> {
  readonly #byId = new Map<string, Set<Watcher<T>>>()

  /** Resolves at the first `notify` for which the condition holds. Never settles if the caller disconnects first. */
  wait(id: string, call: Call, condition: (instance: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      const watcher = { condition, resolve }
      let watchers = this.#byId.get(id)
      if (watchers === undefined) this.#byId.set(id, (watchers = new Set()))
      watchers.add(watcher)
      call.onGone(() => this.#remove(id, watcher))
    })
  }

  notify(id: string, instance: T): void {
    for (const watcher of this.#byId.get(id) ?? []) {
      if (!watcher.condition(instance)) continue
      this.#remove(id, watcher)
      watcher.resolve(instance)
    }
  }

  /** Number of ids that callers wait for. */
  get size(): number {
    return this.#byId.size
  }

  #remove(id: string, watcher: Watcher<T>): void {
    const watchers = this.#byId.get(id)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#byId.delete(id)
  }
}
