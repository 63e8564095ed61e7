import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { onClosedPipe, onStopSignals } from '../../src/cli/process-signals.ts'

test.each([
  [['SIGINT'], ['stop']],
  [['SIGTERM'], ['stop']],
  [
    ['SIGINT', 'SIGINT'],
    ['stop', 'end by SIGINT'],
  ],
  [
    ['SIGINT', 'SIGTERM'],
    ['stop', 'end by SIGTERM'],
  ],
  // npm forwards the SIGINT that the terminal has already sent.
  [['SIGINT', 'echo of SIGINT'], ['stop']],
])('signals %j cause %j: first an orderly stop, then an immediate end', (signals, expected) => {
  const process = new EventEmitter()
  const calls: string[] = []
  let nowMs = 0
  onStopSignals(
    process,
    () => calls.push('stop'),
    (signal) => calls.push(`end by ${signal}`),
    signals.includes('echo of SIGINT'),
    () => nowMs,
  )
  for (const signal of signals) {
    nowMs += signal.startsWith('echo') ? 5 : 1000
    process.emit(signal.replace('echo of ', ''))
  }
  expect(calls).toEqual(expected)
})

test('a closed pipe calls the callback, and any other error of the stream is thrown', () => {
  const stream = new EventEmitter()
  let closed = 0
  onClosedPipe(stream, () => closed++)
  stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  expect(closed).toBe(1)
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  expect(() => stream.emit('error', full)).toThrow(full)
})
