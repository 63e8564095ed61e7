/**
 * Injected faults, for tests: the failures of a network and of a sidecar, at a chosen call or with a seeded probability.
 * A fault plan is plain data, so it can be sent to the sidecar's thread.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { GrpcError, GrpcStatus } from './grpc.ts'
import type { UnaryHandler } from './grpc.ts'
import type { Deliver } from './work-queue.ts'

/**
 * The effect on a call: `fail-before` fails it without executing it; `fail-after` executes it and loses the reply; `delay`
 * executes it later; `repeat` executes it twice and answers once. The effect on the delivery of a work item:
 * `fail-before` breaks the stream instead; `fail-after` breaks the stream after it; `delay` has no effect; `repeat`
 * delivers the item twice.
 */
export type FaultEffect =
  | { readonly kind: 'fail-before' }
  | { readonly kind: 'fail-after' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'repeat' }

export interface FaultRule {
  /** A method of either service (`SaveState`, `StartInstance`…), or the delivery of a `WorkflowItem` or `ActivityItem`. */
  readonly method: string
  /** The occurrence that fails, 1 for the first after the plan was set. @default each one, with `probability` */
  readonly nth?: number
  /** @default 1 */
  readonly probability?: number
  readonly effect: FaultEffect
}

export interface FaultPlan {
  /** Seed of the random numbers. @default 1 */
  readonly seed?: number
  readonly rules: readonly FaultRule[]
}

/** Applies the current plan. The first rule that matches decides. */
export class FaultInjector {
  #rules: readonly FaultRule[] = []
  #counts: number[] = []
  #random: () => number = mulberry32(1)

  /** Replaces the plan and resets the counts. */
  set(plan: FaultPlan): void {
    this.#rules = plan.rules
    this.#counts = plan.rules.map(() => 0)
    this.#random = mulberry32(plan.seed ?? 1)
  }

  decide(method: string): FaultEffect | null {
    let effect: FaultEffect | null = null
    this.#rules.forEach((rule, i) => {
      if (rule.method !== method) return
      const count = (this.#counts[i] ?? 0) + 1
      this.#counts[i] = count
      const hit = rule.nth === undefined ? this.#random() < (rule.probability ?? 1) : rule.nth === count
      if (hit) effect ??= rule.effect
    })
    return effect
  }
}

export function withFaults(method: string, handler: UnaryHandler, injector: FaultInjector): UnaryHandler {
  return (request, call) => {
    const effect = injector.decide(method)
    if (effect === null) return handler(request, call)
    return applyEffect(effect, method, () => handler(request, call))
  }
}

async function applyEffect(effect: FaultEffect, method: string, run: () => Buffer | Promise<Buffer>): Promise<Buffer> {
  switch (effect.kind) {
    case 'fail-before':
      throw new GrpcError(GrpcStatus.UNAVAILABLE, `injected fault: ${method} was not carried out`)
    case 'fail-after':
      await run()
      throw new GrpcError(GrpcStatus.UNAVAILABLE, `injected fault: the reply of ${method} was lost`)
    case 'delay':
      await sleep(effect.delayMs)
      return run()
    case 'repeat': {
      const [first] = await Promise.allSettled([run(), repeatable(run)])
      if (first.status === 'rejected') throw first.reason
      return first.value
    }
  }
}

/** Turns a synchronous throw of the handler into a rejection, so that the first answer counts in any case. */
async function repeatable(run: () => Buffer | Promise<Buffer>): Promise<Buffer> {
  return run()
}

export function deliverWithFaults(injector: FaultInjector): Deliver {
  return (item, stream) => {
    const effect = injector.decide(item.kind === 'workflow' ? 'WorkflowItem' : 'ActivityItem')
    if (effect?.kind !== 'fail-before') stream.send(item.message)
    if (effect?.kind === 'fail-before' || effect?.kind === 'fail-after') {
      stream.end(GrpcStatus.UNAVAILABLE, 'injected fault: the worker stream broke')
    }
    if (effect?.kind !== 'repeat') return 1
    stream.send(item.message)
    return 2
  }
}

/** A 32-bit random number generator, good enough for tests (mulberry32 by Tommy Ettinger). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
