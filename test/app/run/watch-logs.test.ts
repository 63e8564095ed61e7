/** Looking at the ends of logs: again and again, through brokers that do not answer, until told to stop. */
import { expect, test } from 'vitest'
import { watchLogs } from '../../../src/app/run/watch-logs.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { Log } from '../../../src/telemetry/log.ts'
import type { LogRange } from '../../../src/telemetry/pipeline-metrics.ts'

const RANGES: ReadonlyMap<number, LogRange> = new Map([[0, { start: 1, end: 5 }]])
const AWAY = new WindrowError('no broker', { code: 'KAFKA_UNREACHABLE', remedy: 'Wait.', disposition: 'retryable' })

interface Watched {
  readonly told: unknown[]
  readonly warned: unknown[]
  readonly sleptMs: number[]
}

/** Each look gives the next of these, or throws it; after the last the watching is told to stop. */
async function watch(looks: readonly (ReadonlyMap<number, LogRange> | Error)[]): Promise<Watched> {
  const stop = new AbortController()
  const watched: Watched = { told: [], warned: [], sleptMs: [] }
  const left = [...looks]
  const look = async (): Promise<ReadonlyMap<number, LogRange>> => {
    const next = left.shift() as ReadonlyMap<number, LogRange> | Error
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
  await watchLogs(look, (ranges) => watched.told.push(ranges), { clock, log }, stop.signal)
  return watched
}

test('tells what each look finds, with a pause after each', async () => {
  expect(await watch([RANGES, RANGES])).toEqual({ told: [RANGES, RANGES], warned: [], sleptMs: [5_000, 5_000] })
})

test('a broker that does not answer is warned of and asked again; meanwhile nothing is told', async () => {
  const { told, warned } = await watch([RANGES, AWAY, RANGES])
  expect(told).toEqual([RANGES, RANGES])
  expect(warned).toEqual([{ reason: 'no broker' }])
})

test('a fault of ours is not taken for a broker that is away', async () => {
  await expect(watch([new TypeError('a fault')])).rejects.toThrow('a fault')
})

test('one that was stopped before looks at nothing', async () => {
  const look = async (): Promise<never> => Promise.reject(new Error('it looked'))
  const clock = { nowMs: () => 0, sleep: async () => undefined }
  await watchLogs(look, () => undefined, { clock, log: {} as Log }, AbortSignal.abort())
})
