/** What kinds of VMs there are, and how busy each is at which time of the day. */
import type { EpochMs } from '../../core/point.ts'
import { unitOf } from './random.ts'

/** A VM's id begins with its shape. The first three are those that the summary draws. */
export const SHAPES = ['web', 'batch', 'spiky', 'idle', 'office', 'db'] as const
export type Shape = (typeof SHAPES)[number]

const HOUR_MS = 3_600_000

/** Draws about one VM; numbers of points are their seqs, so these stay clear of them. */
const SIZE = -1
const JOB_START = -2
const JOB_HOURS = -3

/** CPU in percent, 0 to 100 with two decimals. `sinceMidnightMs` within the day that is generated. */
export function loadOf(shape: Shape, seed: number, vm: number, seq: number, sinceMidnightMs: EpochMs): number {
  const hour = sinceMidnightMs / HOUR_MS
  /** Between -1 and 1. */
  const noise = 2 * unitOf(seed, vm, seq) - 1
  const size = 0.8 + 0.4 * unitOf(seed, vm, SIZE)
  const load = percentOf(shape, hour, noise, size, seed, vm)
  return Math.round(Math.min(100, Math.max(0, load)) * 100) / 100
}

function percentOf(shape: Shape, hour: number, noise: number, size: number, seed: number, vm: number): number {
  switch (shape) {
    case 'web':
      return size * (12 + 60 * daylight(hour) ** 2) + 6 * noise
    case 'batch': {
      const since = hour - 5 * unitOf(seed, vm, JOB_START)
      return since >= 0 && since < 2 + 4 * unitOf(seed, vm, JOB_HOURS) ? 88 + 8 * noise : 4 + 2 * noise
    }
    case 'spiky':
      return noise > 0.84 ? 60 + 200 * (noise - 0.84) : 14 + 5 * noise
    case 'idle':
      return 1.5 + noise
    case 'office':
      return hour >= 8 && hour < 18 ? size * 45 + 15 * noise : 3 + 2 * noise
    case 'db':
      return size * (35 + 20 * daylight(hour)) + 4 * noise
  }
}

/** 0 at three in the night, 1 at three in the afternoon. */
function daylight(hour: number): number {
  return 0.5 - 0.5 * Math.cos((2 * Math.PI * (hour - 3)) / 24)
}
