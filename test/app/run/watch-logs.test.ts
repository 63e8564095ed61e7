/** Polling the offsets of logs: repeatedly, also while brokers do not answer, until the signal aborts. */
import { expect, test } from 'vitest'
import { watchLogs } from '../../../src/app/run/watch-logs.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { Log } from '../../../src/telemetry/log.ts'
import type { LogOffsets } from '../../../src/telemetry/pipeline-metrics.ts'

const OFFSETS: ReadonlyMap<number, LogOffsets> = new Map([[0, { start: 1, end: 5 }]])
const AWAY = new WindrowError('no broker', { code: 'KAFKA_UNREACHABLE', remedy: 'Wait.' })

interface Watched {
  readonly recorded: unknown[]
  readonly warned: unknown[]
  readonly sleptMs: number[]
}

/** Each poll returns the next of these offsets, or throws the error; after the last one the signal aborts. */
async function watch(polls: readonly (ReadonlyMap<number, LogOffsets> | Error)[]): Promise<Watched> {
  const stop = new AbortController()
  const watched: Watched = { recorded: [], warned: [], sleptMs: [] }
  const left = [...polls]
  const fetchOffsets = async (): Promise<ReadonlyMap<number, LogOffsets>> => {
    const next = left.shift() as ReadonlyMap<number, LogOffsets> | Error
    if (next instanceof Error) throw next
    return next
  }
  const clock = {
    nowMs: () => 0,
    sleep: async (ms: number) => {
      watched.sleptMs.push(ms)
      if (left.length === 0) stop.abort()
    },
  }
  const log = { warn: (fields: unknown) => watched.warned.push(fields) } as unknown as Log
  const telemetry = { recordLogOffsets: (offsets: unknown) => void watched.recorded.push(offsets) }
  await watchLogs(fetchOffsets, telemetry, { clock, log }, stop.signal)
  return watched
}

test('every poll is recorded and followed by a pause', async () => {
  expect(await watch([OFFSETS, OFFSETS])).toEqual({ recorded: [OFFSETS, OFFSETS], warned: [], sleptMs: [5_000, 5_000] })
})

test('an unreachable broker causes a warning and another poll, and nothing is recorded meanwhile', async () => {
  const { recorded, warned } = await watch([OFFSETS, AWAY, OFFSETS])
  expect(recorded).toEqual([OFFSETS, OFFSETS])
  expect(warned).toEqual([{ reason: 'no broker' }])
})

test('an unexpected error is thrown and not treated as an unreachable broker', async () => {
  await expect(watch([new TypeError('a fault')])).rejects.toThrow('a fault')
})

test('an aborted signal prevents the first poll', async () => {
  const fetchOffsets = async (): Promise<never> => Promise.reject(new Error('it polled'))
  const clock = { nowMs: () => 0, sleep: async () => undefined }
  await watchLogs(fetchOffsets, { recordLogOffsets: () => undefined }, { clock, log: {} as Log }, AbortSignal.abort())
})
