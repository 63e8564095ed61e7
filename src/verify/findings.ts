/**
 * What the records show about the producers: it explains results, but is no difference between records and results. Conflicts,
 * VMs whose records are in more than one partition, and VMs whose clock is far ahead.
 */
import { usualWindowMs } from './windows.ts'
import type { DataPoint, DurationMs, EpochMs, SourceRecord } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'

/** A record that had another content than the one that holds its identity: (producer, seq or timestamp, metric). */
export interface ConflictFinding {
  readonly partition: number
  readonly offset: number
  /** Offset of the record that holds the identity; `null` for points that their timestamp identifies. */
  readonly holder: number | null
  readonly window: EpochMs
  readonly vmId: string
  readonly producer: string
  readonly seq: number | null
  readonly timestamp: EpochMs
  readonly metric: string
}

/** A VM whose records are in more than one partition, so each partition publishes results of its part. */
export interface SplitVmFinding {
  readonly vmId: string
  /** With the first producers that sent for the VM to each partition, and the number of points and manifests. */
  readonly partitions: readonly { readonly partition: number; readonly entries: number; readonly producers: string[] }[]
}

/** A VM whose clock was ahead of most other VMs of its partition when windows closed. */
export interface FastClockFinding {
  readonly vmId: string
  readonly partition: number
  /** The largest distance. */
  readonly aheadMs: DurationMs
}

/** All of a kind are counted. Only the first conflicts and split VMs are listed, and the furthest clocks. */
export interface Findings {
  readonly conflicts: { readonly count: number; readonly listed: readonly ConflictFinding[] }
  readonly splitVms: { readonly count: number; readonly listed: readonly SplitVmFinding[] }
  readonly fastClocks: { readonly count: number; readonly listed: readonly FastClockFinding[] }
}

const MAX_LISTED = 10
const MAX_PRODUCERS = 3
/** A VM is named if it was ahead at so many closes: at a single one it may be the first to come after a gap. */
const CLOSES_AHEAD = 2

interface Share {
  entries: number
  readonly producers: Set<string>
}

interface VmClock {
  highest: EpochMs
  /** Whether a point of the VM was accepted since the last close. */
  isActive: boolean
  closesAhead: number
  aheadMs: DurationMs
}

/** Collects findings from the recounts of all partitions. */
export class FindingCollector {
  readonly #rules: Windowing
  #conflicts = 0
  readonly #firstConflicts: ConflictFinding[] = []
  readonly #shares = new Map<number, Map<string, Share>>()
  readonly #clocks = new Map<number, Map<string, VmClock>>()

  constructor(rules: Windowing) {
    this.#rules = rules
  }

  recordRead(partition: number, { decoded }: Pick<SourceRecord, 'decoded'>): void {
    for (const entry of decoded.kind === 'entries' ? decoded.entries : [decoded]) {
      if (entry.kind === 'undecodable') continue
      const { vmId, producer } = entry.kind === 'manifest' ? entry.manifest : entry.point
      const share = entryOf(entryOf(this.#shares, partition, newMap<Share>), vmId, newShare)
      share.entries++
      if (share.producers.size < MAX_PRODUCERS) share.producers.add(producer)
    }
  }

  pointAccepted(partition: number, { vmId, timestamp }: DataPoint): void {
    const clock = entryOf(entryOf(this.#clocks, partition, newMap<VmClock>), vmId, newClock)
    clock.isActive = true
    if (timestamp > clock.highest) clock.highest = timestamp
  }

  conflictFound(conflict: ConflictFinding): void {
    this.#conflicts++
    if (this.#firstConflicts.length < MAX_LISTED) this.#firstConflicts.push(conflict)
  }

  /** Compares the clocks of the VMs that sent points since the last close. */
  windowClosed(partition: number): void {
    const active = [...(this.#clocks.get(partition)?.values() ?? [])].filter(({ isActive }) => isActive)
    const highest = active.map((clock) => clock.highest).sort((a, b) => b - a)
    // More than half of the VMs have come this far.
    const most = highest[Math.floor(highest.length / 2)] ?? NaN
    for (const clock of active) {
      clock.isActive = false
      const aheadMs = clock.highest - most
      if (aheadMs < usualWindowMs(this.#rules) + this.#rules.graceMs) continue
      clock.closesAhead++
      clock.aheadMs = Math.max(clock.aheadMs, aheadMs)
    }
  }

  findings(): Findings {
    const splitVms = this.#splitVms()
    const fastClocks = this.#fastClocks()
    return {
      conflicts: { count: this.#conflicts, listed: this.#firstConflicts },
      splitVms: { count: splitVms.length, listed: splitVms.slice(0, MAX_LISTED) },
      fastClocks: { count: fastClocks.length, listed: fastClocks.slice(0, MAX_LISTED) },
    }
  }

  #splitVms(): SplitVmFinding[] {
    const byVm = new Map<string, SplitVmFinding['partitions'][number][]>()
    for (const [partition, shares] of [...this.#shares].sort(([a], [b]) => a - b)) {
      for (const [vmId, { entries, producers }] of shares) {
        entryOf(byVm, vmId, () => []).push({ partition, entries, producers: [...producers] })
      }
    }
    return [...byVm]
      .filter(([, partitions]) => partitions.length > 1)
      .map(([vmId, partitions]) => ({ vmId, partitions }))
      .sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
  }

  #fastClocks(): FastClockFinding[] {
    const found: FastClockFinding[] = []
    for (const [partition, clocks] of this.#clocks) {
      for (const [vmId, { closesAhead, aheadMs }] of clocks) {
        if (closesAhead >= CLOSES_AHEAD) found.push({ vmId, partition, aheadMs })
      }
    }
    return found.sort((a, b) => b.aheadMs - a.aheadMs || (a.vmId < b.vmId ? -1 : 1))
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let entry = map.get(key)
  if (entry === undefined) map.set(key, (entry = create()))
  return entry
}

function newMap<V>(): Map<string, V> {
  return new Map()
}

function newShare(): Share {
  return { entries: 0, producers: new Set() }
}

function newClock(): VmClock {
  return { highest: -Infinity, isActive: false, closesAhead: 0, aheadMs: 0 }
}
