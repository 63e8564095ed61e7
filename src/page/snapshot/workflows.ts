/**
 * Workflow instances of closed windows. The owner deletes the parent with its commit, and the engine deletes the instances of VM
 * windows after minutes. So the first and the last one of each new window are read once, when the window is seen, to learn how
 * long its close took; all of them are read when an answer needs them.
 */
import type { InstanceFacts } from '../../adapters/dapr/task-hub-client.ts'
import { WindrowError } from '../../errors/index.ts'
import { instanceId, instancePartsOf } from '../../ledger/attempt-id.ts'
import type { EpochMs } from '../../core/point.ts'
import type { WindowAnswer, WorkflowAnswer } from '../answers.ts'
import type { JobReader } from './job-reader.ts'
import type { Snapshot } from './snapshots.ts'

const MAX_SEEN = 10_000
/** Instances of VM windows that are read at once. */
const MAX_CHILDREN = 99

export class WorkflowWatch {
  readonly #reader: JobReader
  /** Attempts whose windows were seen, oldest first. */
  readonly #seen = new Set<string>()
  #isFirst = true

  constructor(reader: JobReader) {
    this.#reader = reader
  }

  /** How long the workflows of the windows took that are new in the snapshot, as far as the engine still knows them. */
  async observe(snapshot: Snapshot, signal: AbortSignal): Promise<number[]> {
    const closes: { readonly first: string; readonly last: string }[] = []
    for (const { view } of snapshot.stored) {
      const index = view?.index ?? null
      for (const { set } of index?.certificates ?? []) {
        if (this.#seen.has(set.attempt)) continue
        this.#remember(set.attempt)
        const vmWindows = index?.closed.find(({ accs }) => accs.attempt === set.attempt)?.vmWindowsByReason ?? {}
        const count = Object.values(vmWindows).reduce((sum, one) => sum + one, 0)
        const groups = Math.max(1, Math.ceil(count / (index?.lastClosed?.vmsPerWorkflow ?? 1)))
        closes.push({ first: instanceId(set.attempt, 0, 0), last: instanceId(set.attempt, groups - 1, 0) })
      }
    }
    if (this.#isFirst) {
      this.#isFirst = false
      return []
    }
    try {
      const found = await this.#reader.workflows(
        closes.flatMap(({ first, last }) => [first, last]),
        signal,
      )
      return closes.flatMap((_, index) => {
        const first = found[2 * index]
        if (first === null || first === undefined) return []
        return [(found[2 * index + 1] ?? first).updatedAtMs - first.createdAtMs]
      })
    } catch (error) {
      // The sidecar went away meanwhile; the next reading reports that.
      if (!(error instanceof WindrowError)) throw error
      return []
    }
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
      const [parent = null] = await this.#reader.workflows([attempt], signal)
      const ids = Array.from({ length: MAX_CHILDREN }, (_, index) => instanceId(attempt, index, 0))
      const children = (await this.#reader.workflows(ids, signal)).filter((facts) => facts !== null)
      const items = [...(parent === null ? [] : [answerOf(parent, retriesOf(snapshot, partition, attempt))])]
      items.push(...children.map((facts) => answerOf(facts, instancePartsOf(facts.id).tries)))
      const note =
        children.length === MAX_CHILDREN
          ? `The first ${MAX_CHILDREN} instances of VM windows.`
          : children.length === 0
            ? FORGOTTEN
            : parent === null
              ? 'The parent is deleted with its commit.'
              : null
      return { items, note }
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error
      return { items: [], note: `${error.code}: ${error.message}` }
    }
  }

  #remember(attempt: string): void {
    this.#seen.add(attempt)
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.values().next().value as string)
  }
}

const FORGOTTEN = 'The workflow engine has deleted the finished instances, or the process that held them has ended.'

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
