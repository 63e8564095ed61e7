/**
 * A fleet of VMs whose producers send everything they promise: in every window each sends some points and then a manifest. So
 * every VM window is complete, and its result does not depend on the order of the records within the grace period.
 */
import type { Decoded } from '../../src/core/point.ts'
import type { Random } from './random.ts'
import { manifest, point, RULES } from './records.ts'

export interface Sent {
  /** When it is sent, on the same clock as the event times. */
  readonly atMs: number
  readonly decoded: Decoded
}

export interface FleetShape {
  readonly vms: number
  readonly windows: number
  readonly hasManifests: boolean
}

export function makeFleet(random: Random, { vms, windows, hasManifests }: FleetShape): Sent[] {
  const sent: Sent[] = []
  const origin = random.pick([0, -300, 1_700_000_000_000])
  for (let vm = 0; vm < vms; vm++) {
    const vmId = `vm-${vm}`
    for (const producer of vm % 3 === 2 ? ['', 'second'] : ['']) {
      let seq = 0
      for (let window = 0; window < windows; window++) {
        const start = origin + window * RULES.sizeMs
        const count = random.int(1, 5)
        for (let i = 0; i < count; i++) {
          const atMs = start + random.int(0, RULES.sizeMs - 1)
          const value = random.pick([random.int(-9, 99), random.next() * 1e9, 0.1])
          // Every fourth VM samples both metrics at once, under one seq.
          for (const metric of vm % 4 === 3 ? ['cpu', 'memory'] : [random.pick(['cpu', 'cpu', 'memory'])]) {
            sent.push({ atMs, decoded: point(vmId, seq + i, atMs, value, { producer, metric }) })
          }
        }
        if (hasManifests) {
          sent.push({ atMs: start + RULES.sizeMs, decoded: manifest(vmId, start, seq, count, { producer }) })
        }
        seq += count
      }
    }
  }
  return sent
}

/** The records in an order in which none arrives after the grace period of its window. */
export function withinGrace(random: Random, sent: readonly Sent[]): Decoded[] {
  const due = sent.map((one) => ({ ...one, atMs: one.atMs + random.int(0, RULES.graceMs - 1) }))
  return due.sort((a, b) => a.atMs - b.atMs).map((one) => one.decoded)
}

/** Duplicates of some points, sent up to two windows later: while their window is open or still remembered. */
export function duplicatesOf(random: Random, sent: readonly Sent[]): Sent[] {
  return sent
    .filter((one) => one.decoded.kind === 'point' && random.chance(0.4))
    .map((one) => ({ ...one, atMs: one.atMs + random.int(0, 2 * RULES.sizeMs) }))
}

/** A few records with another value under the identity of a point, as an agent sends that counts from 0 again. */
export function conflictsOf(random: Random, sent: readonly Sent[], maxDelayMs: number): Sent[] {
  return sent.flatMap((one) => {
    if (one.decoded.kind !== 'point' || !random.chance(0.03)) return []
    const other = { ...one.decoded.point, value: one.decoded.point.value + 1 + random.int(0, 2) }
    return [{ atMs: one.atMs + random.int(0, maxDelayMs), decoded: { kind: 'point' as const, point: other } }]
  })
}
