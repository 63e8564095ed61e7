/** A process of the built command line, and what it says on standard error while it runs. */
import { createInterface } from 'node:readline'
import type { Running } from '../support/windrow-process.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

export interface LoggedRun extends Running {
  readonly lines: readonly LogLine[]
  /** The first line, written already or still to come, that fits; throws when the run ends without one. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** The same for plain text on standard error. */
  said(text: string): Promise<void>
}

/** Follows a process that was just started. */
export function logging(running: Running): LoggedRun {
  const lines: LogLine[] = []
  const texts: string[] = []
  let waiting: (() => void)[] = []
  let hasEnded = false
  const wakeAll = (): void => {
    for (const wake of waiting.splice(0)) wake()
  }
  if (running.child.stderr === null) throw new Error('a run has a standard error')
  createInterface({ input: running.child.stderr })
    .on('line', (line) => {
      if (line.startsWith('{')) lines.push(JSON.parse(line) as LogLine)
      else texts.push(line)
      wakeAll()
    })
    .on('close', () => {
      hasEnded = true
      wakeAll()
    })
  /** Looks again at everything that came since, until `found` gives something. */
  const until = async <T>(found: () => T | undefined): Promise<T> => {
    for (;;) {
      const value = found()
      if (value !== undefined) return value
      if (hasEnded) throw new Error(`the run ended first: ${(await running.ended).stderr.slice(-2000)}`)
      await new Promise<void>((wake) => (waiting = [...waiting, wake]))
    }
  }
  return {
    ...running,
    lines,
    logged: (fits) => until(() => lines.find(fits)),
    said: async (text) => void (await until(() => texts.find((line) => line.includes(text)))),
  }
}
