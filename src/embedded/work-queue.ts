/**
 * Delivers work items to the connected worker streams, round robin, and keeps each item until its reply arrives. The
 * items of a lost stream are delivered again. Workflows and activities have separate limits, because an activity may hold
 * a slot while it waits for workflows. Limits are necessary: the SDK's worker runs and queues 110 items and silently
 * drops the rest.
 */
import { GrpcStatus } from './grpc.ts'
import type { MessageStream } from './grpc.ts'

export type WorkKind = 'workflow' | 'activity'

export interface WorkItem {
  readonly kind: WorkKind
  /** Identifies the task. A reply carries nothing else by which its item could be found. */
  readonly key: string
  readonly message: Buffer
}

/** Delivers an item. The default sends it once; injected faults change that. */
export type Deliver = (item: WorkItem, stream: MessageStream) => DeliveryCount
/** The number of replies to expect. */
export type DeliveryCount = number

interface Entry {
  readonly item: WorkItem
  /** `null` while the item waits for a stream or a slot. */
  stream: MessageStream | null
  deliveries: DeliveryCount
}

const deliverOnce: Deliver = (item, stream) => {
  stream.send(item.message)
  return 1
}

export class WorkQueue {
  readonly #limits: Readonly<Record<WorkKind, number>>
  readonly #deliver: Deliver
  readonly #entries = new Map<string, Entry>()
  readonly #waiting: Record<WorkKind, Entry[]> = { workflow: [], activity: [] }
  readonly #delivered: Record<WorkKind, number> = { workflow: 0, activity: 0 }
  readonly #streams: MessageStream[] = []
  /** Replies still expected for items that were delivered more than once and have been answered. */
  readonly #surplus = new Map<string, { readonly stream: MessageStream; replies: number }>()
  #turn = 0

  constructor(limits: Readonly<Record<WorkKind, number>>, deliver: Deliver = deliverOnce) {
    this.#limits = limits
    this.#deliver = deliver
  }

  get connectedWorkers(): number {
    return this.#streams.length
  }

  /** Adds an item. It replaces an unanswered item with the same key. */
  add(item: WorkItem): void {
    this.remove(item.key)
    const entry: Entry = { item, stream: null, deliveries: 0 }
    this.#entries.set(item.key, entry)
    this.#waiting[item.kind].push(entry)
    this.#pump(item.kind)
  }

  /** Removes an item that has been answered. Returns whether it was queued. */
  remove(key: string): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#entries.delete(key)
    const { kind } = entry.item
    if (entry.stream === null) {
      this.#waiting[kind].splice(this.#waiting[kind].indexOf(entry), 1)
    } else {
      if (entry.deliveries > 1) this.#surplus.set(key, { stream: entry.stream, replies: entry.deliveries - 1 })
      this.#delivered[kind]--
      this.#pump(kind)
    }
    return true
  }

  /** Whether this reply belongs to a repeated delivery of an item that has been answered. Call it once per reply. */
  isSurplusReply(key: string): boolean {
    const surplus = this.#surplus.get(key)
    if (surplus === undefined) return false
    surplus.replies--
    if (surplus.replies === 0) this.#surplus.delete(key)
    return true
  }

  connect(stream: MessageStream): void {
    this.#streams.push(stream)
    stream.onGone(() => this.#lose(stream))
    this.#pump('workflow')
    this.#pump('activity')
  }

  /** Ends all streams, as daprd does when it shuts down. */
  close(): void {
    for (const stream of this.#streams.splice(0)) stream.end(GrpcStatus.UNAVAILABLE, 'the sidecar is shutting down')
  }

  #lose(stream: MessageStream): void {
    const index = this.#streams.indexOf(stream)
    if (index >= 0) this.#streams.splice(index, 1)
    // These replies may never arrive. Still expecting them could discard a reply that counts.
    for (const [key, surplus] of this.#surplus) if (surplus.stream === stream) this.#surplus.delete(key)
    const lost = [...this.#entries.values()].filter((entry) => entry.stream === stream)
    for (const entry of lost) {
      entry.stream = null
      entry.deliveries = 0
      this.#delivered[entry.item.kind]--
    }
    for (const kind of ['workflow', 'activity'] as const) {
      this.#waiting[kind].unshift(...lost.filter((entry) => entry.item.kind === kind))
      this.#pump(kind)
    }
  }

  #pump(kind: WorkKind): void {
    const waiting = this.#waiting[kind]
    while (waiting.length > 0 && this.#streams.length > 0 && this.#delivered[kind] < this.#limits[kind]) {
      const entry = waiting.shift() as Entry
      const stream = this.#streams[this.#turn++ % this.#streams.length] as MessageStream
      entry.stream = stream
      this.#delivered[kind]++
      entry.deliveries = this.#deliver(entry.item, stream)
    }
  }
}
