/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** Creates a promise that is settled from outside. Only the first settlement counts. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  // Without this, a rejection that no caller awaits would end the process. Callers that await it still get it.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
