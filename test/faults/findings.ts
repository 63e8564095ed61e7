/** What the harness finds of a negative control, and where findings are kept. */
import { keep, readKept } from './figures.ts'
import type { Outcome } from './run.ts'
import { JobFailed } from './watch.ts'

export interface Finding {
  /** As it was typed. */
  readonly command: string
  readonly control: string
  readonly seed: number
  readonly seconds: number
  readonly what: string
}

/** `null`: nothing is wrong with this run. What is wrong with the harness, and not with the job, is thrown. */
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

/** A later run of the same control takes the place of the one before. */
export async function keepFinding(path: string, finding: Finding): Promise<void> {
  const others = (await readKept<Finding>(path)).filter(({ control }) => control !== finding.control)
  await keep(path, [...others, finding])
}
