/** How much of the published results the server has read, and whether it looks for them in the right place. Pure. */
import type { IndexState } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'

/** `results`: the destination in words. */
export function indexStateOf(snapshot: Snapshot, published: PublishedIndex, results: string): IndexState {
  const { state } = published
  if (state.state !== 'ready' || state.vmWindows > 0) return state
  const closed = publishedWindows(snapshot)
  if (closed === 0) return state
  const windows = closed === 1 ? '1 window has' : `${closed} windows have`
  const problem = `${windows} closed, but ${results} has none of their results. Start windrow ui with the --results of the run`
  const { topic } = snapshot.status
  const brokers = topic === null ? '' : `, and with --brokers, since the job reads the topic ${topic}`
  return { ...state, state: 'elsewhere', problem: `${problem}${brokers}.` }
}

/** Closed windows whose results are published. A running owner publishes the last commit a moment after it. */
function publishedWindows({ status, stored }: Snapshot): number {
  return status.partitions.reduce((sum, { partition, commit, published }) => {
    const totals = stored[partition]?.view?.index?.totals
    if (totals === undefined || totals.vmWindows === 0) return sum
    return sum + Math.max(0, commit === published ? totals.windows : totals.windows - 1)
  }, 0)
}
