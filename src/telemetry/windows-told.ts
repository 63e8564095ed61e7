/**
 * Which partition window an event is about. Most events name theirs; of the others (what is tried again, what is published)
 * it follows from what was told before. Logs, traces and metrics ask here.
 */
import type { EpochMs } from '../core/point.ts'
import type { PipelineEvent } from '../ports/events.ts'

interface Told {
  head: EpochMs | null
  /** Cuts that are not committed, oldest first; `null` for a checkpoint. */
  readonly queued: (EpochMs | null)[]
  /** By number of commit, until it is published. */
  readonly committed: Map<number, EpochMs | null>
}

export class WindowsTold {
  readonly #partitions = new Map<number, Told>()

  /** Takes the event in and returns its window; `null` where it is about none, or nobody told. Called once an event. */
  observe(event: PipelineEvent): EpochMs | null {
    const told = this.#of(event.partition)
    switch (event.kind) {
      case 'opened':
      case 'dropped-from-roster':
        return event.window
      case 'folded':
        return (told.head = event.window)
      case 'cut':
        told.queued.push(event.window)
        // Which one is the lowest now is told by the next fold.
        if (event.window === told.head) told.head = null
        return event.window
      case 'committed':
        told.queued.shift()
        told.committed.set(event.commit, event.window?.start ?? null)
        return event.window?.start ?? null
      case 'published': {
        const window = told.committed.get(event.commit) ?? null
        told.committed.delete(event.commit)
        return window
      }
      case 'step':
        if (event.step === 'sweep' || event.step === 'open-publisher') return null
        if (event.commit === null) return told.head
        return told.committed.get(event.commit) ?? told.queued[0] ?? null
      case 'retry':
        return told.queued[0] ?? told.head
      case 'ended':
      case 'failed':
        this.#partitions.delete(event.partition)
        return null
      default:
        return null
    }
  }

  /** The oldest window that is not published, or the lowest open one. */
  oldest(partition: number): EpochMs | null {
    const told = this.#partitions.get(partition)
    if (told === undefined) return null
    const closed = [...told.committed.values(), ...told.queued].find((window) => window !== null)
    return closed ?? told.head
  }

  #of(partition: number): Told {
    let told = this.#partitions.get(partition)
    if (told === undefined) this.#partitions.set(partition, (told = { head: null, queued: [], committed: new Map() }))
    return told
  }
}
