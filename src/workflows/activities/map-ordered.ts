/**
 * Maps `items` with at most `atOnce` calls in flight and yields the results in the order of the items. Calls and waiting
 * results are bounded together: a slow item holds back the items after it instead of letting results pile up.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const inFlight: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = map(item)
      // Marks a rejection as handled: if an earlier call fails, the later ones are never awaited one by one.
      result.catch(() => undefined)
      inFlight.push(result)
      if (inFlight.length >= atOnce) yield (await inFlight.shift()) as R
    }
    while (inFlight.length > 0) yield (await inFlight.shift()) as R
  } finally {
    await Promise.allSettled(inFlight)
  }
}
