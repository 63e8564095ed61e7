/** The fleet as a source. Records are generated when they are read; each offset always has the same record. */
import { setImmediate } from 'node:timers/promises'
import { partitionOf } from '../../core/murmur2.ts'
import type { Decoded, SourceRecord } from '../../core/point.ts'
import type { OpenSource, Source, SourceEvent } from '../../ports/index.ts'
import { arrivalsOf, type Arrival } from './arrivals.ts'
import { DAY_START, type Fleet } from './fleet.ts'
import { loadOf } from './shapes.ts'

const MAX_EVENT_RECORDS = 1000
const END: SourceEvent = { kind: 'end' }

export function createDemoSource(fleet: Fleet, partitions: number): Source {
  return {
    open(partition, fromOffset): Promise<OpenSource> {
      const batches = recordsOf(fleet, partition, partitions, fromOffset)
      return Promise.resolve({
        logStart: 0,
        // Known at the end only; the job is bound to the fleet, which decides it.
        logEnd: Number.MAX_SAFE_INTEGER,
        next: async () => {
          // Records are made at once: without this pause nothing else, a signal neither, would get its turn.
          await setImmediate()
          const { value } = batches.next()
          return value === undefined ? END : { kind: 'records', records: value }
        },
        close: () => Promise.resolve(),
      })
    },
  }
}

/** A partition's records from an offset on, in batches. An offset is the number of the record in its partition. */
export function* recordsOf(
  fleet: Fleet,
  partition: number,
  partitions: number,
  fromOffset: number,
): Generator<readonly SourceRecord[], undefined> {
  const { seed } = fleet.options
  const vms = fleet.vms.filter((vm) => partitionOf(vm.vmId, partitions) === partition)
  let next = 0
  for (const arrivals of arrivalsOf(fleet, vms)) {
    const end = next + arrivals.length
    for (let from = Math.max(next, fromOffset); from < end; from += MAX_EVENT_RECORDS) {
      const batch = arrivals.slice(from - next, from - next + MAX_EVENT_RECORDS)
      yield batch.map((arrival, i) => recordOf(arrival, from + i, seed))
    }
    next = end
  }
}

function recordOf(arrival: Arrival, offset: number, seed: number): SourceRecord {
  const decoded = decodedOf(arrival, seed)
  return {
    offset,
    brokerTimestampMs: null,
    decoded,
    raw: () => ({
      bytes: new TextEncoder().encode(JSON.stringify(decoded)),
      place: { file: 'windrow demo', line: offset + 1 },
    }),
  }
}

function decodedOf(arrival: Arrival, seed: number): Decoded {
  const { vm } = arrival
  const { vmId } = vm
  if (arrival.kind === 'point') {
    const { seq, timestamp } = arrival
    const value = loadOf(vm.shape, seed, vm.index, seq, timestamp - DAY_START)
    return { kind: 'point', point: { vmId, producer: '', metric: 'cpu', timestamp, seq, value } }
  }
  const { windowStart, firstSeq, count, last } = arrival
  return { kind: 'manifest', manifest: { vmId, producer: '', windowStart, firstSeq, count, last } }
}
