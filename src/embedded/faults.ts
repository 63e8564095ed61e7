/**
 * Faults on demand, for tests: what the network and the sidecar do at their worst, at a chosen call or with a seeded
 * probability. A plan is plain data, so it crosses into the sidecar's thread.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { GrpcError, GrpcStatus } from './grpc.ts'
import type { UnaryHandler } from './grpc.ts'
import type { Deliver } from './work-queue.ts'

/**
 * For a call: it fails without effect; it is carried out but its reply is lost; it is carried out later; it is carried
 * out twice and answered once. For a delivery of a work item: the stream breaks instead of it; the stream breaks right
 * after it; (no delay); it is delivered twice.
 */
export type FaultEffect =
  | { readonly kind: 'fail-before' }
  | { readonly kind: 'fail-after' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'repeat' }

export interface FaultRule {
  /** A method of either service (`SaveState`, `StartInstance`…), or the delivery of a `WorkflowItem` or `ActivityItem`. */
  readonly method: string
  /** The occurrence that is hit, 1 for the first after the plan was set. Left out: every one, by `probability`. */
  readonly nth?: number
  /** @default 1 */
  readonly probability?: number
  readonly effect: FaultEffect
}

export interface FaultPlan {
  /** Decides what the probabilities decide. @default 1 */
  readonly seed?: number
  readonly rules: readonly FaultRule[]
}

/** Consults the plan in force; the first rule that hits decides. */
export class FaultInjector {
  #rules: readonly FaultRule[] = []
  #counts: number[] = []
  #random: () => number = mulberry32(1)

  /** Counts begin again. */
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

/** A handler may throw at once; the first answer counts all the same. */
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

/** A 32-bit generator with good enough spread for tests (Tommy Ettinger's mulberry32). */
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
