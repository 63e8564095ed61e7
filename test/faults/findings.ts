/** What the harness detects in a run of a negative control, and the file that stores it. */
import { readFigures, writeFigures } from './figures.ts'
import type { Outcome } from './run.ts'
import { JobFailed } from './watch.ts'

export interface Finding {
  /** The command as the user typed it. */
  readonly command: string
  readonly control: string
  readonly seed: number
  readonly seconds: number
  readonly what: string
}

/** The finding; `null` if the run is correct. Throws errors of the harness itself, as opposed to errors of the job. */
export async function findingOf(run: () => Promise<Outcome>): Promise<string | null> {
  let verdict: Outcome['verdict']
  try {
    ;({ verdict } = await run())
  } catch (error) {
    if (error instanceof JobFailed) return error.message.split('\n')[0] ?? error.message
    throw error
  }
  const { lost, doubled, wrong } = verdict
  if (lost.length + doubled.length + wrong.length === 0) return null
  return `lost ${lost.length}, doubled ${doubled.length}, wrong ${wrong.length}`
}

/** Stores the finding. It replaces an earlier one of the same control. */
export async function storeFinding(path: string, finding: Finding): Promise<void> {
  const others = (await readFigures<Finding>(path)).filter(({ control }) => control !== finding.control)
  await writeFigures(path, [...others, finding])
}
