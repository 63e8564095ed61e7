/**
 * Negative controls: processors whose ports have a fault each (controls/faulty-ports.ts). What they do wrong shows under
 * the faults named here, and the harness must find it within five seeds.
 */
import { killBroker } from './faults/parts.ts'
import { killProcessor, zombie } from './faults/processors.ts'
import type { FaultKind } from './site.ts'

export interface NegativeControl {
  readonly name: string
  readonly kinds: readonly FaultKind[]
}

/** Other points have nothing to do with what goes wrong in publishing. */
const PUBLISHING = { step: 'publish', phase: 'begins' } as const
/** The ledger is about to be read again. */
const ADOPTING = { step: 'adopt', phase: 'begins' } as const

export const CONTROLS: readonly NegativeControl[] = [
  { name: 'without-deduplication', kinds: [killProcessor] },
  { name: 'offset-moved-early', kinds: [killProcessor] },
  { name: 'epoch-unchecked', kinds: [{ ...zombie, at: ADOPTING }] },
  { name: 'producer-reused', kinds: [{ ...killBroker, at: PUBLISHING }] },
  { name: 'marker-before-init', kinds: [{ ...zombie, at: PUBLISHING }] },
]
