import { expect, test } from 'vitest'
import { Watchers } from '../../src/embedded/watchers.ts'

function caller() {
  const listeners: (() => void)[] = []
  return { onGone: (listener: () => void) => void listeners.push(listener), go: () => listeners.forEach((l) => l()) }
}

test('a watcher resolves with the first matching state of its id, and of no other id', async () => {
  const watchers = new Watchers<number>()
  const waiting = watchers.wait('a', caller(), (n) => n > 1)
  watchers.notify('a', 1)
  watchers.notify('b', 5)
  watchers.notify('a', 2)
  watchers.notify('a', 3)
  expect(await waiting).toBe(2)
  expect(watchers.size).toBe(0)
})

test('the watcher of a disconnected caller is removed, the others are kept', async () => {
  const watchers = new Watchers<number>()
  const gone = caller()
  void watchers.wait('a', gone, () => true)
  const waiting = watchers.wait('a', caller(), () => true)
  gone.go()
  expect(watchers.size).toBe(1)
  watchers.notify('a', 7)
  expect(await waiting).toBe(7)
})
