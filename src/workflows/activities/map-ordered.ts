/**
 * Maps `items` with at most `atOnce` calls under way and yields the results in the items' order. Bounded on both sides: a
 * slow first item holds back the ones after it instead of letting results pile up.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = []
  try {
    for await (const item of items) {
      const result = map(item)
      // Marked as handled: when an earlier one fails, nobody awaits those that follow.
      result.catch(() => undefined)
      underWay.push(result)
      if (underWay.length >= atOnce) yield (await underWay.shift()) as R
    }
    while (underWay.length > 0) yield (await underWay.shift()) as R
  } finally {
    await Promise.allSettled(underWay)
  }
}
