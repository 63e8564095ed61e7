/** Callers that wait for an instance to come to some state, by id, whether or not there is one yet. */
import type { Call } from './grpc.ts'

interface Watcher<T> {
  readonly condition: (instance: T) => boolean
  readonly resolve: (instance: T) => void
}

export class Watchers<T> {
  readonly #byId = new Map<string, Set<Watcher<T>>>()

  /** Resolves at the first `notify` that the condition holds for; never if the caller is gone first. */
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

  /** Ids that somebody waits for. */
  get size(): number {
    return this.#byId.size
  }

  #remove(id: string, watcher: Watcher<T>): void {
    const watchers = this.#byId.get(id)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#byId.delete(id)
  }
}
