/** Points of progress at which something is struck: drawn from the seed, reached when a processor's log says so. */
import { PIPELINE_STEPS, type PipelineStep } from '../../src/ports/steps.ts'
import type { Random } from '../support/random.ts'
import type { LogLine } from './processors.ts'

export interface Point {
  readonly step: PipelineStep
  readonly phase: 'begins' | 'ended'
  /** Which time it comes by, counted from when it is waited for. */
  readonly nth: number
}

/** Only a takeover comes by this one, and not every commit. */
const AT_TAKEOVER: PipelineStep = 'open-publisher'

/** Points of every step, before and after it, in a drawn order; when all had their turn, all again. */
export class Points {
  readonly #random: Random
  #left: Point[] = []

  constructor(random: Random) {
    this.#random = random
  }

  next(): Point {
    if (this.#left.length === 0) this.#left = this.#random.shuffle(this.#all())
    return this.#left.pop() as Point
  }

  /** One that every commit comes by. */
  nextOfCommit(): Point {
    for (;;) {
      const point = this.next()
      if (point.step !== AT_TAKEOVER) return point
    }
  }

  #all(): Point[] {
    return PIPELINE_STEPS.flatMap((step) =>
      (['begins', 'ended'] as const).map((phase) => ({ step, phase, nth: isAtTakeover({ step }) ? 1 : this.#nth() })),
    )
  }

  #nth(): number {
    return this.#random.int(1, 2)
  }
}

export function isAtTakeover({ step }: Pick<Point, 'step'>): boolean {
  return step === AT_TAKEOVER
}

export function isAt(line: LogLine, { step, phase }: Point): boolean {
  return line.msg === 'step' && line['step'] === step && line['phase'] === phase
}

export function textOf({ step, phase, nth }: Point): string {
  return `${step} ${phase} (${nth})`
}
