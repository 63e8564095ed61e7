/**
 * The contents of points (core/identity.ts) as chunks: of every open window, of the window that closes, and of remembered
 * windows. They are what a successor needs to distinguish a duplicate from a conflict; no workflow reads them.
 *
 * A remembered window has two sets: `whole`, as it closed, and `amended`, which replaces in it all of a VM that late points
 * have changed since. So a late point does not rewrite a window.
 */
import type { PartitionState } from '../core/partition-state.ts'
import type { EpochMs } from '../core/point.ts'
import type { Producers } from '../core/vm-window.ts'
import type { ContentsRow } from '../ledger/chunk-rows.ts'
import { eachRow, pagesOf, type Pages } from '../ledger/chunks.ts'
import type { WindowContents } from '../ledger/index-chunk.ts'
import type { StateStore } from '../ports/index.ts'

export type ContentPart = 'whole' | 'amended'

/** Page texts of one part, frozen at a cut. */
export interface ContentPages {
  readonly window: EpochMs
  readonly part: ContentPart
  /** Equal for equal contents, so that what did not change is not stored again. */
  readonly version: number
  readonly pages: Pages<'contents'>
}

export function contentPagesOf(vms: Iterable<readonly [vmId: string, producers: Producers]>): Pages<'contents'> {
  const rows: ContentsRow[] = []
  for (const [vmId, producers] of [...vms].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const name of [...producers.keys()].sort()) {
      for (const row of producers.get(name)?.encodeContents(name) ?? []) rows.push({ vmId, ...row })
    }
  }
  return pagesOf('contents', rows)
}

const lastAmended = new WeakMap<object, ContentPages>()

/** What late points have changed of remembered windows. */
export function amendedContents({ late }: PartitionState): ContentPages[] {
  return late.remembered.flatMap((remembered) => {
    const { start: window, version, vms } = remembered
    if (version === 0) return []
    const last = lastAmended.get(remembered)
    if (last?.version === version) return last
    const changed = [...vms].filter(([, vm]) => vm.isChanged).map(([vmId, vm]) => [vmId, vm.producers] as const)
    const pages: ContentPages = { window, part: 'amended', version, pages: contentPagesOf(changed) }
    lastAmended.set(remembered, pages)
    return pages
  })
}

/** Gives back to a fold what it knew of the contents of points; all its VM windows must be in. */
export async function loadContents(
  store: StateStore,
  contents: readonly WindowContents[],
  state: PartitionState,
): Promise<void> {
  for (const { window, whole, amended } of contents) {
    const open = state.windows.get(window)
    const remembered = state.late.remembered.find((one) => one.start === window)
    const changed = new Set<string>()
    for await (const row of eachRow(store, amended)) {
      const vm = remembered?.vms.get(row.vmId)
      changed.add(row.vmId)
      vm?.changed().get(row.producer)?.loadContents(row)
    }
    for await (const row of eachRow(store, whole)) {
      if (changed.has(row.vmId)) continue
      const vm = open?.vms.get(row.vmId) ?? remembered?.vms.get(row.vmId)
      vm?.producers.get(row.producer)?.loadContents(row)
    }
  }
}
