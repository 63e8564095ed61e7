/**
 * Workflow instances of closed windows. The engine deletes finished instances after minutes, and an embedded one with its process,
 * so the parent of each new window is read once, when the window is seen, and remembered. Those of VM windows are read when an
 * answer needs them.
 */
import type { InstanceFacts } from '../../adapters/dapr/task-hub-client.ts'
import { WindrowError } from '../../errors/index.ts'
import { instanceId, instancePartsOf } from '../../ledger/attempt-id.ts'
import type { EpochMs } from '../../core/point.ts'
import type { WindowAnswer, WorkflowAnswer } from '../answers.ts'
import type { JobReader } from './job-reader.ts'
import type { Snapshot } from './snapshots.ts'

/** Attempts of the newest certificates of each partition that are read at the start. */
const FIRST_ATTEMPTS = 2
const MAX_REMEMBERED = 10_000
/** Instances of VM windows that are read at once. */
const MAX_CHILDREN = 99

export class WorkflowWatch {
  readonly #reader: JobReader
  /** By attempt, oldest first; `null`: the engine did not know it. */
  readonly #known = new Map<string, InstanceFacts | null>()
  #isFirst = true

  constructor(reader: JobReader) {
    this.#reader = reader
  }

  /** Reads the parents of windows that are new in the snapshot. Returns how long each took. */
  async observe(snapshot: Snapshot, signal: AbortSignal): Promise<number[]> {
    const attempts: string[] = []
    for (const { view } of snapshot.stored) {
      const certificates = view?.index?.certificates ?? []
      for (const { set } of this.#isFirst ? certificates.slice(-FIRST_ATTEMPTS) : certificates) {
        if (!this.#known.has(set.attempt)) attempts.push(set.attempt)
      }
    }
    const isFirst = this.#isFirst
    this.#isFirst = false
    const found = await this.#read(attempts, signal)
    if (isFirst)
      for (const attempt of knownAttempts(snapshot)) if (!this.#known.has(attempt)) this.#remember(attempt, null)
    const ended = found.filter((facts): facts is InstanceFacts => facts !== null && facts.state === 'completed')
    return isFirst ? [] : ended.map(({ createdAtMs, updatedAtMs }) => updatedAtMs - createdAtMs)
  }

  /** `sequence`: of the window's certificate; `null`: it has none. */
  async of(
    snapshot: Snapshot,
    partition: number,
    start: EpochMs,
    sequence: number | null,
    signal: AbortSignal,
  ): Promise<WindowAnswer['workflows']> {
    const stored = snapshot.stored[partition]
    const intent = stored?.ledger?.intent ?? null
    const certificates = stored?.view?.index?.certificates ?? []
    const attempt =
      intent?.window === start
        ? intent.attempt
        : (certificates.find((one) => one.sequence === sequence)?.set.attempt ?? null)
    if (attempt === null) return { items: [], note: sequence === null ? 'No workflow has started yet.' : FORGOTTEN }
    try {
      const [parent = null] =
        intent?.attempt === attempt
          ? await this.#reader.workflows([attempt], signal)
          : [this.#known.get(attempt) ?? null]
      const ids = Array.from({ length: MAX_CHILDREN }, (_, index) => instanceId(attempt, index, 0))
      const children = (await this.#reader.workflows(ids, signal)).filter((facts) => facts !== null)
      const items = [...(parent === null ? [] : [answerOf(parent, retriesOf(snapshot, partition, attempt))])]
      items.push(...children.map((facts) => answerOf(facts, instancePartsOf(facts.id).tries)))
      const note =
        items.length === 0 || parent === null
          ? FORGOTTEN
          : children.length === 0
            ? 'The instances of its VM windows are deleted.'
            : children.length === MAX_CHILDREN
              ? `The first ${MAX_CHILDREN} instances of VM windows.`
              : null
      return { items, note }
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error
      return { items: [], note: `${error.code}: ${error.message}` }
    }
  }

  async #read(attempts: readonly string[], signal: AbortSignal): Promise<(InstanceFacts | null)[]> {
    try {
      const found = await this.#reader.workflows(attempts, signal)
      attempts.forEach((attempt, index) => this.#remember(attempt, found[index] ?? null))
      return found
    } catch (error) {
      // The sidecar went away meanwhile; the next reading reports that. They are read again then.
      if (!(error instanceof WindrowError)) throw error
      return []
    }
  }

  #remember(attempt: string, facts: InstanceFacts | null): void {
    this.#known.set(attempt, facts)
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value as string)
  }
}

const FORGOTTEN = 'The workflow engine has deleted the finished instances, or the process that held them has ended.'

function knownAttempts({ stored }: Snapshot): string[] {
  return stored.flatMap(({ view }) => view?.index?.certificates.map(({ set }) => set.attempt) ?? [])
}

/** How often the partition's epoch was raised since the certificate before: by retries, and by takeovers. */
function retriesOf({ stored }: Snapshot, partition: number, attempt: string): number {
  const certificates = stored[partition]?.view?.index?.certificates ?? []
  const at = certificates.findIndex(({ set }) => set.attempt === attempt)
  const before = at < 0 ? certificates.at(-1) : certificates[at - 1]
  return before === undefined ? 0 : Math.max(0, epochOf(attempt) - epochOf(before.set.attempt))
}

/** The epoch in the id of an attempt: the part before the last. */
function epochOf(attempt: string): number {
  return Number(attempt.split('-').at(-2))
}

function answerOf(
  { id, name, state, createdAtMs, updatedAtMs, failure }: InstanceFacts,
  retries: number,
): WorkflowAnswer {
  const hasEnded = state === 'completed' || state === 'failed' || state === 'terminated'
  const untilMs = hasEnded ? updatedAtMs : Date.now()
  return {
    ...{ id, name, state, retries, failure },
    startedAtMs: createdAtMs,
    endedAtMs: hasEnded ? updatedAtMs : null,
    durationMs: Math.max(0, untilMs - createdAtMs),
  }
}
