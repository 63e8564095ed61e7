/** Injection points: steps of a processor at which a fault is injected. They are drawn from the seed and read from its log. */
import { PIPELINE_STEPS, type PipelineStep } from '../../src/ports/steps.ts'
import type { Random } from '../support/random.ts'
import type { LogLine } from './processors.ts'

export interface InjectionPoint {
  readonly step: PipelineStep
  readonly phase: 'begins' | 'ended'
  /** The point is the nth occurrence of the step, counted from when the harness starts waiting. */
  readonly nth: number
}

/** The one step that only a takeover executes; every commit executes the others. */
const AT_TAKEOVER: PipelineStep = 'open-publisher'

/** Draws the points before and after every step, in random order; when all were drawn, it starts over. */
export class InjectionPoints {
  readonly #random: Random
  #left: InjectionPoint[] = []

  constructor(random: Random) {
    this.#random = random
  }

  next(): InjectionPoint {
    if (this.#left.length === 0) this.#left = this.#random.shuffle(this.#all())
    return this.#left.pop() as InjectionPoint
  }

  /** The next point that every commit reaches. */
  nextOfCommit(): InjectionPoint {
    for (;;) {
      const point = this.next()
      if (point.step !== AT_TAKEOVER) return point
    }
  }

  #all(): InjectionPoint[] {
    return PIPELINE_STEPS.flatMap((step) =>
      (['begins', 'ended'] as const).map((phase) => ({ step, phase, nth: isAtTakeover({ step }) ? 1 : this.#nth() })),
    )
  }

  #nth(): number {
    return this.#random.int(1, 2)
  }
}

export function isAtTakeover({ step }: Pick<InjectionPoint, 'step'>): boolean {
  return step === AT_TAKEOVER
}

export function isAt(line: LogLine, { step, phase }: InjectionPoint): boolean {
  return line.msg === 'step' && line['step'] === step && line['phase'] === phase
}

export function textOf({ step, phase, nth }: InjectionPoint): string {
  return `${step} ${phase} (${nth})`
}
