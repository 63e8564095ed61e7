/** A source that plays a script of a test: records, ends of the log reached at a given time, and silence. */
import type { SourceRecord } from '../../src/core/point.ts'
import type { OpenSource, Source, SourceEvent } from '../../src/ports/index.ts'

export type ScriptLine = SourceEvent | { readonly kind: 'silence' }

export interface Script {
  readonly lines: readonly ScriptLine[]
  readonly logStart?: number
  readonly logEnd?: number
}

export function records(...list: readonly SourceRecord[]): SourceEvent {
  return { kind: 'records', records: list }
}

export function caughtUp(nextOffset: number, fetchedAtMs: number): SourceEvent {
  return { kind: 'caught-up', nextOffset, fetchedAtMs }
}

export const END: SourceEvent = { kind: 'end' }

/** After its last line, a script reports the end of the input. `asked` counts the calls of `next`. */
export class ScriptSource implements Source {
  asked = 0
  /** Offsets at which reading began. */
  readonly opened: number[] = []
  readonly #script: Script

  constructor(script: Script) {
    this.#script = script
  }

  open(_partition: number, fromOffset: number): Promise<OpenSource> {
    const { lines, logStart = 0, logEnd = Infinity } = this.#script
    this.opened.push(fromOffset)
    let at = 0
    const next = (): Promise<SourceEvent> => {
      this.asked++
      const line = lines[at++] ?? END
      if (line.kind === 'silence') return new Promise(() => undefined)
      if (line.kind !== 'records') return Promise.resolve(line)
      const rest = line.records.filter((record) => record.offset >= fromOffset)
      return rest.length === 0 ? next() : Promise.resolve({ kind: 'records', records: rest })
    }
    return Promise.resolve({ logStart, logEnd, next, close: () => Promise.resolve() })
  }
}
