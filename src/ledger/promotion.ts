/**
 * The rows that a replay wants the owner of a partition to promote. They are too many for the request itself (requests.ts),
 * so they are stored in pages next to the ledger. The command that submits the request writes them, and the owner deletes
 * them when it answers; in between they do not change.
 */
import type { ClosedVmRow } from '../core/amend-vm-window.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import type { StateStore } from '../ports/index.ts'
import type { StateRow } from './chunk-rows.ts'
import { pageTextsOf } from './chunks.ts'
import { textDigest } from './text-digest.ts'

export type PromotionRow =
  /** A result of the replay that differs from the published one. `seen`: revision of the published one, 0 without one. */
  | { readonly kind: 'result'; readonly seen: number; readonly result: VmWindowResult }
  /** What the replay's ledger keeps of such a VM for a window that late points can still change. */
  | {
      readonly kind: 'memory'
      readonly vmId: string
      readonly window: EpochMs
      readonly closing: ClosedVmRow | null
      readonly isQuarantined: boolean
      /** The VM's states before and after the window. */
      readonly prior: StateRow | null
      readonly state: StateRow | null
    }
  /** The VM's state after the replay's last window. `isSame`: the published results lead to the same state. */
  | { readonly kind: 'after'; readonly vmId: string; readonly state: StateRow | null; readonly isSame: boolean }
  /** Windows that were published again after the certificate with which the replay ends. */
  | { readonly kind: 'touched'; readonly first: EpochMs; readonly last: EpochMs }

/** How many pages of rows there are, and what they must contain. */
export interface PromotionPages {
  readonly pages: number
  /** Digest over the digests of the pages. */
  readonly digest: string
  /** Number of results and of VMs in the rows. */
  readonly results: number
  readonly vms: number
}

/** Number of pages that are written or read concurrently. */
const PAGES_AT_ONCE = 8

export function promotionKeys(job: string, partition: number, id: string, pages: number): string[] {
  return Array.from({ length: pages }, (_, page) => `${job}-${partition}-promotion-${id}-${page}`)
}

export async function writePromotion(
  store: StateStore,
  job: string,
  partition: number,
  id: string,
  rows: readonly PromotionRow[],
): Promise<PromotionPages> {
  const texts = pageTextsOf(rows.map((row) => canonicalJson(row)))
  const keys = promotionKeys(job, partition, id, texts.length)
  for (let from = 0; from < keys.length; from += PAGES_AT_ONCE) {
    const batch = keys.slice(from, from + PAGES_AT_ONCE)
    // A page that exists was written by an earlier call whose answer was lost, with the same text.
    await Promise.all(batch.map((key, i) => store.insert(key, texts[from + i] as string)))
  }
  const vms = new Set(rows.flatMap((row) => (row.kind === 'result' ? [row.result.vmId] : [])))
  const results = rows.filter((row) => row.kind === 'result').length
  return { pages: texts.length, digest: digestOfPages(texts), results, vms: vms.size }
}

/** `null` if a page is missing or does not match the digest. */
export async function readPromotion(
  store: StateStore,
  job: string,
  partition: number,
  id: string,
  { pages, digest }: PromotionPages,
): Promise<readonly PromotionRow[] | null> {
  const keys = promotionKeys(job, partition, id, pages)
  const texts: string[] = []
  for (let from = 0; from < keys.length; from += PAGES_AT_ONCE) {
    const batch = keys.slice(from, from + PAGES_AT_ONCE)
    const found = await store.get(batch)
    for (const key of batch) {
      const text = found.get(key)?.value
      if (text === undefined) return null
      texts.push(text)
    }
  }
  if (digestOfPages(texts) !== digest) return null
  return texts.flatMap((text) => text.split('\n').map((line) => JSON.parse(line) as PromotionRow))
}

function digestOfPages(texts: readonly string[]): string {
  return textDigest(canonicalJson(texts.map(textDigest)))
}

/** Why a VM is refused by a promotion. */
export type PromotionProblem =
  /** A late point, or another promotion, has changed it since the replay. */
  | 'moved-on'
  /** Its state changes, but windows that closed after the replay are no longer remembered, so they could not be updated. */
  | 'too-far-behind'
  /** In a window that late points can still change, the replay counted other points than the job. */
  | 'other-points'
  /** A result is larger than the state store allows. */
  | 'too-large'

/** A VM that was refused, with all its windows. */
export interface RefusedVm {
  readonly vmId: string
  readonly problem: PromotionProblem
  /** The first window with the problem. */
  readonly window: EpochMs
}

/** Number of refused VMs that an outcome lists; `count` is the number of all. */
export const MAX_NAMED_REFUSALS = 20

/** The outcome of a request to promote. The index keeps it until the next promotion, so that a request is carried out once. */
export interface PromotionOutcome {
  readonly request: string
  readonly commit: number
  /** Sequence of the commit's certificate; `null` if everything was refused. */
  readonly certificate: number | null
  readonly vmWindows: number
  readonly following: number
  readonly refused: { readonly count: number; readonly first: readonly RefusedVm[] }
}
