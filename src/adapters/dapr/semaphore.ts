/** A semaphore: at most `permits` holders at once. The longest waiter gets the next permit. */
export interface Semaphore {
  acquire(): Promise<void>
  release(): void
}

export function createSemaphore(permits: number): Semaphore {
  let free = permits
  // A queue with a moving head: `shift` on an array of thousands of waiters would move all of them each time.
  let waiting: (() => void)[] = []
  let head = 0

  return {
    acquire() {
      if (free > 0) {
        free--
        return Promise.resolve()
      }
      return new Promise((resolve) => waiting.push(resolve))
    },
    release() {
      const next = waiting[head]
      if (next === undefined) {
        free++
        return
      }
      head++
      if (head === waiting.length) {
        waiting = []
        head = 0
      }
      // The permit passes to the waiter without becoming free in between, so a new caller cannot overtake.
      next()
    },
  }
}
