/**
 * What a replay asks a partition's owner to promote: rows in pages of their own beside the ledger, since they are too many
 * for the request that names them (requests.ts). Whoever asks writes them, nobody changes them, the owner deletes them.
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
  /** A result that differs, as the replay has it; `seen`: revision of the live one, 0 where there is none. */
  | { readonly kind: 'result'; readonly seen: number; readonly result: VmWindowResult }
  /** What the replay's ledger keeps of such a VM in a window that late points can still change. */
  | {
      readonly kind: 'memory'
      readonly vmId: string
      readonly window: EpochMs
      readonly closing: ClosedVmRow | null
      readonly isQuarantined: boolean
      /** Before and after the window. */
      readonly prior: StateRow | null
      readonly state: StateRow | null
    }
  /** Its state after the replay's last window, and whether the live results say the same. */
  | { readonly kind: 'after'; readonly vmId: string; readonly state: StateRow | null; readonly isSame: boolean }
  /** Windows in which something was published anew since the certificate that the replay ends with. */
  | { readonly kind: 'touched'; readonly first: EpochMs; readonly last: EpochMs }

/** Where the rows are, and what they must look like. */
export interface PromotionPages {
  readonly pages: number
  /** Over the digests of the pages. */
  readonly digest: string
  /** Results and VMs in them. */
  readonly results: number
  readonly vms: number
}

/** Pages that are written or read at once. */
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
    // Found there already: an earlier call, whose answer was lost, has written the same.
    await Promise.all(batch.map((key, i) => store.insert(key, texts[from + i] as string)))
  }
  const vms = new Set(rows.flatMap((row) => (row.kind === 'result' ? [row.result.vmId] : [])))
  const results = rows.filter((row) => row.kind === 'result').length
  return { pages: texts.length, digest: digestOfPages(texts), results, vms: vms.size }
}

/** `null`: they are not (any more) what was written. */
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

/** Why a VM of a promotion stays as it is. */
export type PromotionProblem =
  /** A late point, or another promotion, has changed it since the replay. */
  | 'moved-on'
  /** Its state changes, and windows that closed since are not remembered any more: they could not follow. */
  | 'too-far-behind'
  /** The replay counted other points in a window that late points can still change. */
  | 'other-points'
  /** The result takes more than the state store allows. */
  | 'too-large'

/** A VM that was refused, with all its windows. */
export interface RefusedVm {
  readonly vmId: string
  readonly problem: PromotionProblem
  /** The first of its windows that the problem is in. */
  readonly window: EpochMs
}

/** Refused VMs that an outcome names; `count` tells them all. */
export const MAX_NAMED_REFUSALS = 20

/** What became of a request to promote; kept in the index until the next one, so that it is carried out once. */
export interface PromotionOutcome {
  readonly request: string
  readonly commit: number
  /** `null`: everything was refused. */
  readonly certificate: number | null
  readonly vmWindows: number
  readonly following: number
  readonly refused: { readonly count: number; readonly first: readonly RefusedVm[] }
}
