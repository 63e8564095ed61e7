/**
 * What the rows of each kind of chunk are. Everything that reads or writes chunks is generic over this map, so the type of
 * a row follows from the kind of its chunk.
 *
 * Rows are stored as JSON, so a member that a row gains must be optional: earlier versions wrote rows without it.
 */
import type { ClosedVmRow } from '../core/amend-vm-window.ts'
import type { Certificate } from '../core/certificate.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { EncodedContents } from '../core/identity.ts'
import type { Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import type { BordersRow } from '../core/stored-borders.ts'
import type { ProgressRow } from '../core/quorum-clock.ts'
import type { RosterRow } from '../core/roster.ts'
import type { SeriesRow } from '../core/producer-series.ts'
import type { EncodedVmWindow } from '../core/vm-window.ts'
import type { TimeWindow } from '../core/window-policy.ts'
import type { QuarantineLetter, RecordLetter } from './dead-letter.ts'

export interface ChunkRows {
  /** The accumulators of a window that closes: one VM window per row, sorted by VM. */
  readonly accs: ClosedVmRow
  /** What came late for closed windows, by window and VM. */
  readonly late: LateRow
  /** What amendments and promotions changed in a closed window, sorted by VM. */
  readonly amended: AmendedRow
  /** The VM windows of one open window, sorted by VM. The index names the window. */
  readonly open: EncodedVmWindow
  /** What each point of a window said, in short, sorted by VM; see core/identity.ts. The index names the window. */
  readonly contents: ContentsRow
  /** The producers that a window waits for, then how far the VMs have come; version 0.1.0 wrote the producers alone. */
  readonly roster: RosterRow | SeriesRow | ProgressRow | BordersRow
  /** Records that were refused since the commit before. */
  readonly dead: RecordLetter
  /** The states of the VMs after a closed window, sorted by VM. */
  readonly states: StateRow
  /** The results that a commit publishes, in the order of publishing. */
  readonly results: VmWindowResult
  /** VM windows that a commit put in quarantine. */
  readonly quarantined: QuarantineLetter
  /** One row: the accumulator of all closed windows of the partition. */
  readonly total: TotalRow
  /** One row. */
  readonly certificate: Certificate
}

/** A kind of chunk that holds rows. */
export type RowKind = keyof ChunkRows

/** Any kind of chunk. It is part of a chunk's key, so the values are stable. `index`: one value, see index-chunk.ts. */
export type ChunkKind = RowKind | 'index'

export type ContentsRow = EncodedContents & { readonly vmId: string }

export interface LateRow {
  readonly windowStart: EpochMs
  /** Only what came late. */
  readonly window: EncodedVmWindow
}

/** A VM in a closed window that was amended. It replaces the VM's rows of the kinds `accs` and `states`. */
export interface AmendedRow {
  readonly vmId: string
  /** `null`: as the window closed; only the state differs. */
  readonly closing: ClosedVmRow | null
  /** Revision of the VM's last result; 0 if it has none. */
  readonly revision: number
  readonly isQuarantined: boolean
  /** The VM's state after the window; `null` for none. */
  readonly state: StateRow | null
  /** Sequence of the certificate of the last change; absent if an earlier version of Windrow wrote the row. */
  readonly certificate?: number
}

export interface StateRow {
  readonly vmId: string
  /** The last window in which the VM had a point. */
  readonly window: EpochMs
  readonly state: Json
}

/** `dropped`: why there is no total any more. `window` spans all windows in the total; version 0.1.0 wrote rows without it. */
export type TotalRow = { readonly value: Json; readonly window?: TimeWindow } | { readonly dropped: string }
