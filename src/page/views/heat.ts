/** The heat map: how complete each row (a partition, a group of VMs, a VM) is in each window. Pure. */
import type { EpochMs } from '../../core/point.ts'
import type { CloseReason } from '../../core/closing.ts'
import type { HeatAnswer, HeatRow, WaitingAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { WindowSums } from '../results/window-columns.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'
import { closedWindows, type WindowRange } from './closed-windows.ts'
import { addKnown, openViewsOf } from './open-windows.ts'

const MAX_CELLS = 250_000

export interface HeatQuery extends WindowRange {
  readonly by: HeatAnswer['by']
  /** Rows of `group`. */
  readonly groups: number
  /** Of `vm`: the first row comes after this id. */
  readonly after: string | null
  /** Rows of `vm`. */
  readonly limit: number
  /** At most so many windows, the newest. */
  readonly windows: number
}

/** A row with the way to find it for a VM window. */
interface Rows {
  readonly rows: readonly HeatRow[]
  readonly total: number
  /** -1: the VM is in no row of this answer. */
  readonly rowOf: (partition: number, vmId: string) => number
}

const LETTERS: Readonly<Record<CloseReason, string>> = {
  ...{ complete: 'c', grace: 'g', deadline: 'd', forced: 'f', quarantined: 'q' },
}
/** From nothing to weakest: a cell of several partition windows has the last of its letters. */
const ORDER = '.cgdfqo'

export function heatAnswer(snapshot: Snapshot, published: PublishedIndex, query: HeatQuery): HeatAnswer {
  const closed = closedWindows(snapshot, published, query)
  const open = openViewsOf(snapshot).filter(
    ({ partition, window }) =>
      (query.partition === null || partition === query.partition) &&
      window.start >= query.from &&
      window.start < query.to,
  )
  const { rows, total, rowOf } = rowsOf(snapshot, published, query)
  const ends = new Map<EpochMs, EpochMs>()
  for (const { start, end } of closed) ends.set(start, end)
  for (const { window } of open) ends.set(window.start, window.end)
  const most = Math.max(1, Math.min(query.windows, Math.floor(MAX_CELLS / Math.max(1, rows.length))))
  const windows = [...ends].map(([start, end]) => ({ start, end })).sort((a, b) => a.start - b.start)
  const shown = windows.slice(-most)
  const columnOf = new Map(shown.map(({ start }, index) => [start, index]))
  const cells = new Cells(rows.length, shown.length)

  for (const { partition, start, columns } of closed) {
    const column = columnOf.get(start)
    if (column === undefined) continue
    if (query.by === 'partition') {
      cells.addClosed(rowOf(partition, ''), column, columns.sums())
      continue
    }
    const byRow = new Map<number, number[]>()
    for (let at = 0; at < columns.size; at++) {
      const row = rowOf(partition, published.results.vmIdOf(columns.vm.at(at)))
      if (row < 0) continue
      const found = byRow.get(row)
      if (found === undefined) byRow.set(row, [at])
      else found.push(at)
    }
    for (const [row, at] of byRow) cells.addClosed(row, column, columns.sumsOf(at))
  }
  for (const { partition, window, pairs } of open) {
    const column = columnOf.get(window.start)
    if (column === undefined) continue
    for (const pair of pairs) cells.addOpen(rowOf(partition, pair.vmId), column, pair)
  }
  return { snapshot: snapshot.id, by: query.by, rows, totalRows: total, windows: shown, ...cells.columns() }
}

class Cells {
  readonly #width: number
  readonly #reason: Uint8Array
  readonly #total: number[]
  readonly #complete: number[]
  readonly #expected: (number | null)[]
  readonly #received: number[]
  readonly #missing: number[]
  readonly #revised: number[]

  constructor(rows: number, windows: number) {
    const zeros = (): number[] => Array<number>(rows * windows).fill(0)
    this.#width = windows
    this.#reason = new Uint8Array(rows * windows)
    this.#total = zeros()
    this.#complete = zeros()
    this.#expected = zeros()
    this.#received = zeros()
    this.#missing = zeros()
    this.#revised = zeros()
  }

  addClosed(row: number, column: number, sums: WindowSums): void {
    if (row < 0) return
    const { vmWindows, byReason, reason, expected, received, missing, revised } = sums
    this.#add(row, column, LETTERS[reason], vmWindows, byReason.complete ?? 0, expected, received, missing, revised)
  }

  addOpen(row: number, column: number, { state, expected, received, missingCount }: WaitingAnswer): void {
    if (row < 0) return
    this.#add(row, column, 'o', 1, state === 'complete' ? 1 : 0, expected, received, missingCount, 0)
  }

  #add(
    row: number,
    column: number,
    letter: string,
    total: number,
    complete: number,
    expected: number | null,
    received: number,
    missing: number,
    revised: number,
  ): void {
    const at = row * this.#width + column
    const plus = (values: number[], more: number): void => void (values[at] = (values[at] as number) + more)
    this.#reason[at] = Math.max(this.#reason[at] as number, ORDER.indexOf(letter))
    plus(this.#total, total)
    plus(this.#complete, complete)
    plus(this.#received, received)
    plus(this.#missing, missing)
    plus(this.#revised, revised)
    this.#expected[at] = addKnown(this.#expected[at] as number | null, expected)
  }

  columns(): Pick<HeatAnswer, 'reason' | 'total' | 'complete' | 'expected' | 'received' | 'missing' | 'revised'> {
    return {
      reason: Array.from(this.#reason, (order) => ORDER[order]).join(''),
      ...{ total: this.#total, complete: this.#complete, expected: this.#expected, received: this.#received },
      ...{ missing: this.#missing, revised: this.#revised },
    }
  }
}

function rowsOf(snapshot: Snapshot, published: PublishedIndex, query: HeatQuery): Rows {
  if (query.by === 'partition') return partitionRows(snapshot, query)
  const vmIds = vmIdsOf(snapshot, published, query.partition)
  if (query.by === 'group') return groupRows(vmIds, query.groups)
  const first = query.after === null ? 0 : firstAfter(vmIds, query.after)
  const shown = vmIds.slice(first, first + query.limit)
  const numbers = new Map(shown.map((vmId, index) => [vmId, index]))
  const rows = shown.map((vmId) => ({ key: vmId, label: vmId, vms: 1, partition: null }))
  return { rows, total: vmIds.length, rowOf: (_, vmId) => numbers.get(vmId) ?? -1 }
}

function partitionRows({ record, stored }: Snapshot, { partition: only }: HeatQuery): Rows {
  const all = Array.from({ length: record.partitions }, (_, partition) => partition)
  const partitions = only === null ? all : all.filter((partition) => partition === only)
  const rows = partitions.map((partition) => {
    const vms = [...(stored[partition]?.view?.state.clock.vmIds() ?? [])].length
    return { key: String(partition), label: String(partition), vms, partition }
  })
  return { rows, total: rows.length, rowOf: (partition) => partitions.indexOf(partition) }
}

function groupRows(vmIds: readonly string[], groups: number): Rows {
  const size = Math.max(1, Math.ceil(vmIds.length / groups))
  const numbers = new Map(vmIds.map((vmId, index) => [vmId, Math.floor(index / size)]))
  const rows: HeatRow[] = []
  for (let first = 0; first < vmIds.length; first += size) {
    const members = vmIds.slice(first, first + size)
    const [key = '', last = ''] = [members[0], members.at(-1)]
    rows.push({ key, label: key === last ? key : `${key} … ${last}`, vms: members.length, partition: null })
  }
  return { rows, total: rows.length, rowOf: (_, vmId) => numbers.get(vmId) ?? -1 }
}

const idsOf = new WeakMap<Snapshot, Map<number | null, readonly string[]>>()

/** Ids of all VMs with results or in open windows, sorted; those of one partition if it is given. */
export function vmIdsOf(snapshot: Snapshot, published: PublishedIndex, partition: number | null): readonly string[] {
  const known = idsOf.get(snapshot) ?? new Map<number | null, readonly string[]>()
  idsOf.set(snapshot, known)
  let found = known.get(partition)
  if (found === undefined) {
    const ids = new Set<string>()
    for (const view of openViewsOf(snapshot)) {
      if (partition === null || view.partition === partition) for (const { vmId } of view.pairs) ids.add(vmId)
    }
    if (partition === null) for (const vmId of published.results.vmIds()) ids.add(vmId)
    else {
      for (const window of published.results.windows()) {
        if (window.partition !== partition) continue
        for (let row = 0; row < window.columns.size; row++) {
          ids.add(published.results.vmIdOf(window.columns.vm.at(row)))
        }
      }
    }
    known.set(partition, (found = [...ids].sort()))
  }
  return found
}

/** Index of the first id above `after`. */
export function firstAfter(sorted: readonly string[], after: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as string) <= after) low = middle + 1
    else high = middle
  }
  return low
}
