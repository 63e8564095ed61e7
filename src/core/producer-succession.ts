/**
 * Producers that restart under a new name. The new producer replaces the earlier ones of its VM: they are not waited for any
 * more. It says so itself (`replaces`), or the job's rules say it of every producer that appears.
 */
import type { OpenWindow } from './open-window.ts'
import type { EpochMs } from './point.ts'
import type { Roster } from './roster.ts'

/** What a partition knows of producers. */
interface KnownProducers {
  readonly roster: Roster
  readonly windows: ReadonlyMap<EpochMs, OpenWindow>
}

/**
 * The producers that this one replaces; none where it was replaced itself, or where it is known already and does not say
 * that it replaces others. So a record of an earlier producer that comes after its successor's first one changes nothing.
 */
export function replaceProducers(
  { roster, windows }: KnownProducers,
  vmId: string,
  name: string,
  saysSo: boolean,
): string[] {
  if (roster.replacedBy(vmId, name) !== null) return []
  if (!saysSo && roster.knows(vmId, name)) return []
  const others = new Set(roster.producersOf(vmId))
  for (const { vms } of windows.values()) {
    for (const [other, { replacedBy }] of vms.get(vmId)?.producers ?? []) {
      if (other === name && (replacedBy !== null || !saysSo)) return []
      if (replacedBy === null) others.add(other)
    }
  }
  others.delete(name)
  return [...others].sort()
}
