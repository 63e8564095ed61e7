/**
 * Negative controls: processors with one faulty port each (controls/faulty-ports.ts). The kinds of faults named here expose
 * the error of the port, and the harness must detect it within five seeds.
 */
import { killBroker } from './faults/services.ts'
import { killProcessor, zombie } from './faults/processors.ts'
import type { FaultKind } from './environment.ts'

export interface NegativeControl {
  readonly name: string
  readonly kinds: readonly FaultKind[]
}

/** The point that exposes errors in publishing. */
const PUBLISHING = { step: 'publish', phase: 'begins' } as const
/** The point right before the ledger is read again. */
const ADOPTING = { step: 'adopt', phase: 'begins' } as const

export const CONTROLS: readonly NegativeControl[] = [
  { name: 'without-deduplication', kinds: [killProcessor] },
  { name: 'offset-moved-early', kinds: [killProcessor] },
  { name: 'epoch-unchecked', kinds: [{ ...zombie, at: ADOPTING }] },
  { name: 'producer-reused', kinds: [{ ...killBroker, at: PUBLISHING }] },
  { name: 'marker-before-init', kinds: [{ ...zombie, at: PUBLISHING }] },
]
