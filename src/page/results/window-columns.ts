/** The VM windows of one partition window as columns of numbers: about 60 bytes per VM window instead of 400 as objects. Pure. */
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import type { CloseReason } from '../../core/closing.ts'
import type { PartitionWindowAnswer } from '../answers.ts'
import type { LineAt } from './feed.ts'

/** From strongest to weakest: the highest index in a window is the reason of the window. */
export const REASONS: readonly CloseReason[] = ['complete', 'grace', 'deadline', 'forced', 'quarantined']
/** Stands for an unknown number of expected points. */
export const NO_EXPECTED = 2 ** 32 - 1

type NumberArray = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** A growing array of numbers. */
class Column<A extends NumberArray> {
  readonly #create: (length: number) => A
  #values: A

  constructor(create: (length: number) => A) {
    this.#create = create
    this.#values = create(8)
  }

  at(row: number): number {
    return this.#values[row] as number
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) {
      const grown = this.#create(Math.ceil(this.#values.length * 1.5))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[row] = value
  }
}

const FIRST_SLOTS = 16

/** Finds the row of a VM: open addressing, at most half full. A slot has a row + 1, or 0. */
class RowTable {
  readonly #vmAt: (row: number) => number
  #slots = new Uint32Array(FIRST_SLOTS)

  constructor(vmAt: (row: number) => number) {
    this.#vmAt = vmAt
  }

  /** The row, or -1. */
  find(vm: number): number {
    return (this.#slots[this.#slotOf(vm)] as number) - 1
  }

  /** Rows are added in their order, each once. */
  add(vm: number, row: number): void {
    if (2 * (row + 1) > this.#slots.length) {
      this.#slots = new Uint32Array(2 * this.#slots.length)
      for (let before = 0; before < row; before++) this.#slots[this.#slotOf(this.#vmAt(before))] = before + 1
    }
    this.#slots[this.#slotOf(vm)] = row + 1
  }

  /** Where the VM is, or would be. */
  #slotOf(vm: number): number {
    const mask = this.#slots.length - 1
    for (let slot = Math.imul(vm, 0x9e3779b1) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] as number
      if (row === 0 || this.#vmAt(row - 1) === vm) return slot
    }
  }
}

const bytes = (): Column<Uint8Array> => new Column((length) => new Uint8Array(length))
const shorts = (): Column<Uint16Array> => new Column((length) => new Uint16Array(length))
const words = (): Column<Uint32Array> => new Column((length) => new Uint32Array(length))

/** Sums over the VM windows of a partition window. */
export type WindowSums = Omit<PartitionWindowAnswer, 'partition' | 'windowStart' | 'windowEnd' | 'complete'>

export class WindowColumns {
  /** Number of the VM in the index. */
  readonly vm = words()
  readonly reason = bytes()
  readonly revision = shorts()
  readonly expected = words()
  readonly received = words()
  readonly missing = words()
  readonly duplicates = words()
  readonly conflicts = words()
  readonly noReadings = words()
  readonly #position = new Column((length) => new Float64Array(length))
  readonly #length = words()
  readonly #rows = new RowTable((row) => this.vm.at(row))
  #size = 0
  #sums: WindowSums | null = null

  get size(): number {
    return this.#size
  }

  /** The row of a VM, or -1. */
  rowOf(vm: number): number {
    return this.#rows.find(vm)
  }

  placeOf(row: number): LineAt {
    return { position: this.#position.at(row), length: this.#length.at(row) }
  }

  /** Adds a result, or replaces an earlier revision of it. Returns whether the VM is new in the window. */
  put(vm: number, result: VmWindowResult, at: LineAt): boolean {
    const known = this.rowOf(vm)
    const isNew = known < 0
    if (!isNew && this.revision.at(known) > result.revision) return false
    const row = isNew ? this.#size++ : known
    this.vm.set(row, vm)
    if (isNew) this.#rows.add(vm, row)
    this.reason.set(row, Math.max(0, REASONS.indexOf(result.reason)))
    this.revision.set(row, Math.min(result.revision, 0xffff))
    this.expected.set(row, result.expected ?? NO_EXPECTED)
    this.received.set(row, result.received)
    this.missing.set(row, result.missingCount)
    this.duplicates.set(row, result.duplicates)
    this.conflicts.set(row, result.conflicts)
    this.noReadings.set(row, result.noReadings ?? 0)
    this.#position.set(row, at.position)
    this.#length.set(row, at.length)
    this.#sums = null
    return isNew
  }

  sums(): WindowSums {
    return (this.#sums ??= this.sumsOf(Array.from({ length: this.#size }, (_, row) => row)))
  }

  /** Sums over some of the rows. */
  sumsOf(rows: readonly number[]): WindowSums {
    const byReason: Partial<Record<CloseReason, number>> = {}
    const sums = { received: 0, missing: 0, duplicates: 0, conflicts: 0, noReadings: 0, revised: 0 }
    let expected: number | null = 0
    let weakest = 0
    for (const row of rows) {
      const reason = this.reason.at(row)
      const name = REASONS[reason] as CloseReason
      byReason[name] = (byReason[name] ?? 0) + 1
      weakest = Math.max(weakest, reason)
      const promised = this.expected.at(row)
      expected = expected === null || promised === NO_EXPECTED ? null : expected + promised
      sums.received += this.received.at(row)
      sums.missing += this.missing.at(row)
      sums.duplicates += this.duplicates.at(row)
      sums.conflicts += this.conflicts.at(row)
      sums.noReadings += this.noReadings.at(row)
      if (this.revision.at(row) > 1) sums.revised++
    }
    return { vmWindows: rows.length, byReason, reason: REASONS[weakest] as CloseReason, expected, ...sums }
  }
}
