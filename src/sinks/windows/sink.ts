/**
 * The sink of job windows, `--results windows:…`: one record when all partitions have closed a window, with totals over all
 * of them and the digests of their certificates, and a revision of it when late points have amended the window. It starts
 * jobs that follow.
 *
 *   setting.ts  parses the place                       merge.ts     merges the partitions' shares; pure
 *   targets.ts  stores a record in a folder, or sends  announcer.ts decides in the state store what is announced, and does so
 *   open.ts     opens the sink for a run               reader.ts    reads a folder of records
 */
import type { SinkDefinition } from '../sink.ts'
import { parseWindows, windowsDestination, WINDOWS_FORM, type WindowsSetting } from './setting.ts'

export const windowsSink: SinkDefinition<WindowsSetting> = {
  kind: 'windows',
  form: WINDOWS_FORM,
  expects: 'windows: and a folder, or windows: before pubsub: or notify:',
  guarantee: 'At least once, with an id of job, window and revision; a folder has each record once.',
  parse: parseWindows,
  destination: windowsDestination,
  needsDaprd: ({ to }) => to.kind !== 'folder',
  allowsSeveral: true,
  open: async ({ results }, context) => (await import('./open.ts')).openWindowsSink(results, context),
}
