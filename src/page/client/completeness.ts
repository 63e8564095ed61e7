/**
 * The scale of the heat map: how complete a VM window or a partition window is, as one of a few levels with a color each, and
 * why it closed, as a mark. The marks say without color what the colors say. Pure.
 */
import type { CloseReason } from '../../core/closing.ts'

/** From complete to hardly anything; `unknown`: no manifest or cadence says how many points there should be. */
export const LEVELS = ['complete', 'nearly', 'most', 'part', 'little', 'unknown', 'open'] as const
export type Level = (typeof LEVELS)[number]

export const LEVEL_TEXTS: Readonly<Record<Level, string>> = {
  complete: 'complete',
  nearly: '99 % or more',
  most: '90 to 99 %',
  part: '50 to 90 %',
  little: 'below 50 %',
  unknown: 'unknown',
  open: 'open',
}

/** Reasons of a close in the order of strength, then that of a window that has not closed. */
export const MARKS = ['complete', 'grace', 'deadline', 'forced', 'quarantined', 'open'] as const
export type Mark = CloseReason | 'open'

export const MARK_TEXTS: Readonly<Record<Mark, string>> = {
  complete: 'complete',
  grace: 'closed by the grace period',
  deadline: 'closed by the deadline',
  forced: 'closed by an operator',
  quarantined: 'aggregator failed',
  open: 'open',
}

export interface Measured {
  readonly reason: Mark
  /** `null`: unknown for at least one producer. */
  readonly expected: number | null
  readonly missing: number
}

/** A window with the reason `complete` is complete; any other is at most `nearly`, however small its gap. */
export function levelOf({ reason, expected, missing }: Measured): Level {
  if (reason === 'open') return 'open'
  if (reason === 'complete') return 'complete'
  if (expected === null) return 'unknown'
  const share = expected === 0 ? 1 : 1 - missing / expected
  if (share >= 0.99) return 'nearly'
  if (share >= 0.9) return 'most'
  return share >= 0.5 ? 'part' : 'little'
}

/** `100 %`, `99.3 %`, `< 0.1 %`: rounded down, so that only what is complete is 100 %. */
export function shareText(missing: number, expected: number): string {
  if (expected === 0 || missing === 0) return '100 %'
  const share = Math.max(0, (expected - missing) / expected)
  const tenths = Math.min(999, Math.floor(share * 1000))
  if (tenths === 0) return share === 0 ? '0 %' : '< 0.1 %'
  return `${(tenths / 10).toFixed(1)} %`
}
