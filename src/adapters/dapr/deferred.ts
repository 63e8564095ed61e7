export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** A promise to be settled from outside; only the first settlement counts. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  // Whoever awaits it still gets the rejection; this says that nobody has to.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
