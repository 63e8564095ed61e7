/**
 * The pages that a commit writes for its cuts: their texts, and upper bounds of everything that an attempt may write. The
 * intent announces the bounds, so that all pages of an abandoned attempt can be found and deleted.
 */
import { OUTPUT_ROWS_PER_PAGE } from '../core/payload-bound.ts'
import type { ClosedWindow } from '../core/partition-state.ts'
import type { EpochMs } from '../core/point.ts'
import type { RowKind } from '../ledger/chunk-rows.ts'
import type { Pages } from '../ledger/chunks.ts'
import type { ClosedEntry } from '../ledger/closed-windows.ts'
import type { AnnouncedPages } from '../ledger/ledger.ts'
import type { PromoteRequest } from '../ledger/requests.ts'
import { PROMOTED_ROWS_PER_PAGE } from '../workflows/activities/commit-output.ts'
import type { ContentPages } from './content-pages.ts'
import { closingContents, closingPages, type OpenPages } from './cut.ts'
import type { JoinedCuts } from './joined-cuts.ts'
import type { Session } from './session.ts'

/** Pages with the number of their first one: an attempt may write several sets of a kind. */
interface Numbered<Kind extends RowKind> {
  readonly pages: Pages<Kind>
  readonly first: number
}

/** The pages of a window that closes before the last one of its commit. */
export interface EarlierPages {
  readonly accs: Numbered<'accs'>
  /** Number of the first page of the cut's dead letters. */
  readonly deadFirst: number
}

/** The pages of an attempt. They are the same for every attempt at these cuts. */
export interface CutPages {
  /** Of the earlier cuts, in order. */
  readonly earlier: readonly EarlierPages[]
  readonly accs: Numbered<'accs'>
  readonly deadFirst: number
  /** Open windows that changed since the last commit, each with the number of its first page. */
  readonly fresh: readonly { readonly open: OpenPages; readonly first: number }[]
  readonly freshPages: number
  /** Contents of points that changed since the commit before. */
  readonly contents: readonly Omit<ContentPages, 'version'>[]
}

export function pagesToWrite(session: Session, { earlier, last: cut }: JoinedCuts): CutPages {
  const fresh: { open: OpenPages; first: number }[] = []
  let first = 0
  for (const open of cut.open) {
    if (session.committedVersions.get(open.window) === open.version) continue
    fresh.push({ open, first })
    first += open.pages.texts.length
  }
  let accsFirst = 0
  let deadFirst = 0
  const numbered = [...earlier, cut].map(({ closed, deadLetters }) => {
    const accs = { pages: accsOf(session, closed), first: accsFirst }
    const numbers = { accs, deadFirst }
    accsFirst += accs.pages.texts.length
    deadFirst += deadLetters.texts.length
    return numbers
  })
  const closing = [...earlier, cut].flatMap(({ closed }) => closed ?? [])
  const whole = (window: EpochMs, texts: Pages<'contents'>) => ({ window, part: 'whole' as const, pages: texts })
  const contents = [
    ...fresh.map(({ open }) => whole(open.window, open.contents)),
    ...closing
      .filter(({ start }) => cut.remembered.includes(start))
      .map((closed) => whole(closed.start, closingContents(closed))),
    ...cut.amendedContents.filter((one) => session.committedContents.get(one.window) !== one.version),
  ]
  return { ...(numbered.pop() as EarlierPages), earlier: numbered, fresh, freshPages: first, contents }
}

function accsOf({ env: { aggregator, store } }: Session, closed: ClosedWindow | null): Pages<'accs'> {
  return closed === null ? { kind: 'accs', texts: [] } : closingPages(closed, aggregator, store.maxValueBytes)
}

/** Upper bounds of the pages that the attempt may write, so that all of them can be found if it is abandoned. */
export function announcedPages(session: Session, cuts: JoinedCuts, pages: CutPages): AnnouncedPages {
  const { env } = session
  const { earlier, last: cut } = cuts
  const written = {
    open: pages.freshPages,
    contents: pages.contents.reduce((sum, one) => sum + one.pages.texts.length, 0),
    roster: cut.roster.texts.length,
    dead: pages.deadFirst + cut.deadLetters.texts.length,
    late: cut.late.pages.texts.length,
    index: 1,
  }
  if (cut.promote !== undefined) return { ...written, ...promotedPages(session, cut.promote) }
  if (cut.closed === null && !cut.late.amends) return written
  // A late VM window may change its VM in every remembered window, and every row may fill a page of its own.
  const windows = (session.index?.closed ?? []).length + env.rules.amendWindows
  const amendedBefore = (session.index?.closed ?? []).reduce((sum, one) => sum + amendedRowsOf(one), 0)
  // An amended skipped window gets a row for every amended row before it.
  const amended = cut.late.amends ? amendedBefore * (1 + env.rules.amendWindows) + cut.late.rows * windows : 0
  const closing = [...earlier, cut].reduce((sum, { closed }) => sum + (closed?.vms.length ?? 0), 0)
  const vmWindows = closing + (cut.late.amends ? cut.late.rows * windows : 0)
  const states = vmWindows + (session.index?.states?.rows ?? 0)
  const outputPages = (rows: number): number => Math.ceil(rows / OUTPUT_ROWS_PER_PAGE)
  return {
    ...written,
    accs: pages.accs.first + pages.accs.pages.texts.length,
    amended,
    // Each joined window may keep its states, with the last page not full, like its VM windows in quarantine.
    states: outputPages(states) * (earlier.length + 1),
    results: outputPages(vmWindows),
    quarantined: outputPages(vmWindows) + earlier.length,
    total: 1,
    certificate: earlier.length + 1,
  }
}

function amendedRowsOf({ amended, priorAmended }: ClosedEntry): number {
  return (amended?.rows ?? 0) + (priorAmended?.rows ?? 0)
}

/** A VM's row may fill a page in every remembered window, and the VM may get a new result in every later window. */
function promotedPages({ index }: Session, { rows: { results, vms } }: PromoteRequest): AnnouncedPages {
  const closed = index?.closed ?? []
  const lines = results + vms * closed.length
  return {
    amended: closed.reduce((sum, one) => sum + amendedRowsOf(one) + vms, vms),
    states: Math.ceil(((index?.states?.rows ?? 0) + vms) / OUTPUT_ROWS_PER_PAGE),
    results: Math.ceil(lines / PROMOTED_ROWS_PER_PAGE),
    quarantined: Math.ceil(lines / OUTPUT_ROWS_PER_PAGE),
    total: 1,
    certificate: 1,
  }
}
