/**
 * A made-up job for tests of the page: VM windows of which every answer of the API is computed, so that all numbers agree. The
 * types are those of the contract (src/page/answers.ts). What the real server answers is tested with the real server.
 */
import type { CloseReason } from '../../src/core/closing.ts'
import type {
  HeatAnswer,
  JobAnswer,
  LetterAnswer,
  LettersAnswer,
  OpenAnswer,
  OpenWindowAnswer,
  PartitionWindowAnswer,
  SeriesAnswer,
  StatusAnswer,
  VmAnswer,
  WaitingAnswer,
  WindowAnswer,
  WindowsAnswer,
  WindowVmAnswer,
} from '../../src/page/answers.ts'

export interface WorldOptions {
  readonly partitions: number
  readonly vms: number
  /** Closed windows; one more is open. */
  readonly windows: number
  /** The id of the first VM. @default vm-00000 */
  readonly firstVm?: string
  /** @default none */
  readonly haltedPartition?: number
}

interface Cell {
  readonly vmId: string
  readonly partition: number
  /** Index of the window; the last one is open. */
  readonly window: number
  readonly missing: readonly (readonly [number, number])[]
  readonly missingCount: number
  readonly revision: number
  readonly reason: CloseReason | null
}

const HOUR_MS = 3_600_000
const FIRST_MS = Date.UTC(2026, 0, 1)
const EXPECTED = 60
const LETTERS: readonly (readonly [reason: string, detail: string, text: string])[] = [
  ['too-late', 'its window closed more than 3 windows ago', '{"vmId":"web-004","metric":"cpu","seq":17}'],
  ['invalid', 'seq is -1', '{"vmId":"db-011","metric":"cpu","timestamp":1767225600000,"seq":-1,"value":3}'],
  ['conflict', 'offset 4711 holds this identity with another value', '{"vmId":"api-002","metric":"cpu","seq":3}'],
]
const ROLES = ['web', 'api', 'db', 'cache', 'batch', 'queue']

export class PageWorld {
  readonly options: WorldOptions
  readonly snapshot: string
  readonly #cells: Cell[][] = []
  readonly #ids: string[]

  constructor(options: WorldOptions, snapshot = 'first') {
    this.options = options
    this.snapshot = snapshot
    const { vms, windows, partitions } = options
    this.#ids = Array.from({ length: vms }, (_, index) => (index === 0 && options.firstVm) || nameOf(index)).sort()
    for (let window = 0; window <= windows; window++) {
      this.#cells.push(this.#ids.map((vmId, index) => cellOf(vmId, index, index % partitions, window, windows)))
    }
  }

  /** The id of the VM that lacks points in the open window. */
  get incompleteVm(): string {
    return this.#open().find(({ missingCount }) => missingCount > 0)?.vmId ?? ''
  }

  job(): JobAnswer {
    return {
      ...{
        snapshot: this.snapshot,
        takenAtMs: this.#start(this.options.windows) + 1_800_000,
        boot: 'boot-1',
        version: '0.1.0',
      },
      ...{
        job: 'fleet',
        aggregator: 'summary@1',
        windowMs: HOUR_MS,
        windows: '1h',
        graceMs: 300_000,
        deadlineMs: 600_000,
      },
      ...{ partitions: this.options.partitions, topic: 'vm-telemetry', results: 'topic vm-results' },
      ...{ deadLetters: 'topic vm-dead-letters', process: 'running' as const, canAct: true, metrics: ['cpu'] },
      index: {
        state: 'ready',
        problem: null,
        done: 10,
        total: 10,
        vmWindows: 10,
        oldest: FIRST_MS,
        isTruncated: false,
      },
    }
  }

  status(): StatusAnswer {
    const { partitions, windows, vms, haltedPartition } = this.options
    const accepted = this.#cells.flat().reduce((sum, { missingCount }) => sum + EXPECTED - missingCount, 0)
    const rest = { duplicate: 113, conflict: 1, late: 3, rejected: 6, manifests: vms * (windows + 1) }
    const counts = { consumed: accepted + 123 + rest.manifests, accepted, ...rest }
    const none = { duplicate: 0, conflict: 0, late: 0, rejected: 0, manifests: 0 }
    return {
      ...{
        job: 'fleet',
        aggregator: 'summary@1',
        windowMs: HOUR_MS,
        windows: '1h',
        topic: 'vm-telemetry',
        lagProblem: null,
        halted: null,
      },
      ...{ counts, vmsInTwoPartitions: { count: 0, vms: [] }, maxAheadProblem: null },
      partitions: Array.from({ length: partitions }, (_, partition) => ({
        ...{
          partition,
          owner: { epoch: 2, token: 'token' },
          commit: windows + 1,
          published: windows,
          resumeOffset: 10_000 + partition,
        },
        ...{ logEnd: 10_040 + partition, lag: 40, watermark: this.#start(windows) + 1_740_000 },
        ...{
          counts: { consumed: 0, accepted: 0, ...none },
          ahead: { count: 0, vms: [] },
          late: { pending: 0, revisions: 0 },
        },
        open: this.open(0).windows.filter((one) => one.partition === partition),
        ...{ lastClosed: null, intent: null, goal: null },
        halted:
          partition === haltedPartition
            ? {
                ...{
                  code: 'DATA_LOSS',
                  message: 'the log begins at 9,000, after the next offset 4,711',
                  remedy: 'Restore the log.',
                },
                atMs: FIRST_MS,
              }
            : null,
      })),
    }
  }

  windows(): WindowsAnswer {
    const all: PartitionWindowAnswer[] = []
    for (let window = this.options.windows - 1; window >= 0; window--) {
      for (let partition = 0; partition < this.options.partitions; partition++)
        all.push(this.#closed(partition, window))
    }
    return { snapshot: this.snapshot, windows: all.slice(0, 1_000), more: Math.max(0, all.length - 1_000) }
  }

  heat(by: HeatAnswer['by'], windows: number): HeatAnswer {
    const last = this.options.windows
    const shown = Array.from({ length: Math.min(windows, last + 1) }, (_, index) => last - index).reverse()
    const groups = this.#groups(by)
    const columns = {
      total: [] as number[],
      complete: [] as number[],
      expected: [] as number[],
      received: [] as number[],
    }
    const more = { missing: [] as number[], revised: [] as number[] }
    let reason = ''
    for (const { members } of groups) {
      for (const window of shown) {
        const cells = members.map((member) => this.#cells[window]?.[member]).filter((cell) => cell !== undefined)
        const missing = cells.reduce((sum, cell) => sum + cell.missingCount, 0)
        columns.total.push(cells.length)
        columns.complete.push(cells.filter((cell) => cell.missingCount === 0).length)
        columns.expected.push(EXPECTED * cells.length)
        columns.received.push(EXPECTED * cells.length - missing)
        more.missing.push(missing)
        more.revised.push(cells.filter(({ revision }) => revision > 1).length)
        reason += window === last ? 'o' : letterOf(cells)
      }
    }
    return {
      ...{ snapshot: this.snapshot, by, reason, totalRows: groups.length, ...columns, ...more },
      rows: groups.map(({ key, label, members, partition }) => ({ key, label, vms: members.length, partition })),
      windows: shown.map((window) => ({ start: this.#start(window), end: this.#start(window + 1) })),
    }
  }

  open(limit: number): OpenAnswer {
    const windows = Array.from({ length: this.options.partitions }, (_, partition) => this.#openOf(partition, limit))
    return { snapshot: this.snapshot, windows }
  }

  window(partition: number, start: number): WindowAnswer | null {
    const window = (start - FIRST_MS) / HOUR_MS
    const { partitions, windows } = this.options
    if (partition >= partitions || !Number.isInteger(window) || window < 0 || window > windows) return null
    const isOpen = window === windows
    const cells = (this.#cells[window] ?? []).filter((cell) => cell.partition === partition)
    const lacking = cells.filter(({ missingCount }) => missingCount > 0).sort((a, b) => b.missingCount - a.missingCount)
    const closed = isOpen ? null : this.#closed(partition, window)
    const link = (at: number): WindowAnswer['certified'] extends infer Chain | null ? ChainLinkOf<Chain> : never =>
      at < 0 || at >= windows
        ? null
        : {
            sequence: at + 1,
            digest: `digest-${at}`,
            window: { start: this.#start(at), end: this.#start(at + 1) },
            reason: 'complete',
          }
    const records = {
      accepted: closed?.received ?? 0,
      duplicate: 2,
      conflict: 0,
      late: 0,
      rejected: 1,
      manifests: cells.length,
    }
    const consumed = records.accepted + 3 + cells.length
    return {
      ...{
        snapshot: this.snapshot,
        partition,
        start,
        end: start + HOUR_MS,
        previous: start - HOUR_MS,
        state: isOpen ? 'open' : 'closed',
      },
      ...{ trigger: closed === null ? null : (closed.reason as 'complete' | 'grace'), forced: null },
      ...{
        open: isOpen ? this.#openOf(partition, 20) : null,
        closed,
        records: isOpen ? null : { consumed, ...records },
      },
      vms: { total: lacking.length, items: lacking.slice(0, 100).map((cell) => this.#vmOf(cell)), next: null },
      certified: isOpen
        ? null
        : {
            ...{ previous: link(window - 1), next: link(window + 1), chain: 'holds', amendedBy: [] },
            certificate: {
              ...{ format: 1, job: 'fleet', partition, sequence: window + 1, window: { start, end: start + HOUR_MS } },
              ...{ trigger: 'complete', reason: closed?.reason ?? 'complete', forced: null, watermark: start },
              ...{ offsets: { first: 1_000 * window, last: 1_000 * window + 999 }, counts: { consumed, ...records } },
              ...{
                vmWindows: cells.length,
                vmWindowsByReason: {},
                expected: 0,
                received: 0,
                missing: [],
                missingCount: 0,
              },
              ...{ unexpected: [], unexpectedCount: 0, amended: [], results: { count: cells.length, digest: 'r' } },
              ...{ points: { count: closed?.received ?? 0, digest: '5f0c1a9be2d44c105f0c1a9be2d44c10' } },
              ...{ previous: `digest-${window - 1}`, digest: `9aae75f35b9206dd21f0539969057c9d-${window}` },
            },
          },
      workflows: isOpen
        ? { items: [], note: 'No close has started.' }
        : {
            items: [
              {
                ...{
                  id: `fleet-${partition}-${window}-1-ab12cd34`,
                  name: 'windrow-partition-window-v3',
                  state: 'completed',
                },
                ...{
                  startedAtMs: start + HOUR_MS,
                  endedAtMs: start + HOUR_MS + 812,
                  durationMs: 812,
                  retries: 0,
                  failure: null,
                },
              },
            ],
            note: null,
          },
    }
  }

  vm(vmId: string): VmAnswer | null {
    const index = this.#ids.indexOf(vmId)
    if (index < 0) return null
    const cells = this.#cells.map((cells) => cells[index] as Cell)
    const closed = cells.slice(0, -1)
    const open = cells.at(-1) as Cell
    return {
      ...{ snapshot: this.snapshot, vmId, partitions: [open.partition], more: 0 },
      results: closed.map(({ partition, window, missing, missingCount, revision, reason }) => ({
        partition,
        result: {
          ...{
            vmId,
            windowStart: this.#start(window),
            windowEnd: this.#start(window + 1),
            revision,
            reason: reason ?? 'complete',
          },
          ...{
            expected: EXPECTED,
            received: EXPECTED - missingCount,
            duplicates: window % 3,
            conflicts: 0,
            missing,
            missingCount,
          },
          ...{ unexpected: [], deduplicated: true, aggregator: 'summary@1', metrics: { cpu: valuesOf(index, window) } },
          state: { cpu: { lifetimeCount: 60 * window } },
        },
      })),
      open: [
        {
          ...{ provisional: true, partition: open.partition, windowStart: this.#start(open.window) },
          ...{ windowEnd: this.#start(open.window + 1), expected: EXPECTED, received: EXPECTED - open.missingCount },
          ...{
            missingCount: open.missingCount,
            producers: [waitingOf(open)],
            metrics: { cpu: valuesOf(index, open.window) },
          },
          problem: null,
        },
      ],
      priorState: { cpu: { lifetimeCount: 60 * closed.length, ewma: 41.25 } },
    }
  }

  series(): SeriesAnswer {
    const at = Array.from({ length: 120 }, (_, index) => this.#start(this.options.windows) + index * 1_000)
    return {
      atMs: at,
      recordsPerSecond: at.map((_, index) => (index === 0 ? null : 120_000 + 25_000 * Math.sin(index / 7))),
      lag: at.map((_, index) => Math.max(0, 900 * Math.sin(index / 11) + 500)),
      closeMs: at.map((_, index) => (index % 9 === 0 ? 600 + (index % 5) * 90 : null)),
      closed: at.map((_, index) => (index % 9 === 0 ? 1 : 0)),
    }
  }

  letters(reason: string | null): LettersAnswer {
    const all = Array.from({ length: 10 }, (_, index) => letterAt(index))
    const items = all.filter((letter) => reason === null || letter.reason === reason)
    const byReason: Record<string, number> = {}
    for (const letter of all) byReason[letter.reason] = (byReason[letter.reason] ?? 0) + 1
    return { snapshot: this.snapshot, byReason, total: items.length, items, next: null, isTruncated: false }
  }

  #start(window: number): number {
    return FIRST_MS + window * HOUR_MS
  }

  #open(): readonly Cell[] {
    return this.#cells.at(-1) ?? []
  }

  #groups(by: HeatAnswer['by']): { key: string; label: string; members: number[]; partition: number | null }[] {
    const all = this.#ids.map((_, index) => index)
    const { partitions } = this.options
    if (by === 'vm') {
      return all.map((at) => ({
        key: this.#ids[at] ?? '',
        label: this.#ids[at] ?? '',
        members: [at],
        partition: at % partitions,
      }))
    }
    if (by === 'partition') {
      return Array.from({ length: partitions }, (_, partition) => ({
        ...{ key: `${partition}`, label: `${partition}`, partition },
        members: all.filter((at) => at % partitions === partition),
      }))
    }
    const size = Math.ceil(all.length / 64)
    return Array.from({ length: Math.ceil(all.length / size) }, (_, group) => {
      const members = all.slice(group * size, (group + 1) * size)
      const [first = '', last = ''] = [this.#ids[members[0] ?? 0], this.#ids[members.at(-1) ?? 0]]
      return { key: first, label: `${first} … ${last}`, members, partition: null }
    })
  }

  #closed(partition: number, window: number): PartitionWindowAnswer {
    const cells = (this.#cells[window] ?? []).filter((cell) => cell.partition === partition)
    const missing = cells.reduce((sum, cell) => sum + cell.missingCount, 0)
    const grace = cells.filter(({ reason }) => reason !== 'complete').length
    return {
      ...{ partition, windowStart: this.#start(window), windowEnd: this.#start(window + 1), vmWindows: cells.length },
      byReason: { complete: cells.length - grace, ...(grace === 0 ? {} : { grace }) },
      ...{ reason: grace === 0 ? 'complete' : 'grace', expected: EXPECTED * cells.length, missing },
      ...{ received: EXPECTED * cells.length - missing, duplicates: 2, conflicts: 0, noReadings: 0 },
      ...{ revised: cells.filter(({ revision }) => revision > 1).length, complete: grace === 0 },
    }
  }

  #openOf(partition: number, limit: number): OpenWindowAnswer {
    const cells = this.#open().filter((cell) => cell.partition === partition)
    const lacking = cells.filter(({ missingCount }) => missingCount > 0).sort((a, b) => b.missingCount - a.missingCount)
    const missing = lacking.reduce((sum, cell) => sum + cell.missingCount, 0)
    const start = this.#start(this.options.windows)
    return {
      ...{ partition, start, end: start + HOUR_MS, vmWindows: cells.length, waitedFor: cells.length },
      ...{ complete: cells.length - lacking.length, expected: EXPECTED * cells.length, missing },
      ...{ received: EXPECTED * cells.length - missing, duplicates: 1, conflicts: 0, noReadings: 0 },
      ...{ graceEndsMs: start + HOUR_MS + 300_000, deadlineMs: start + HOUR_MS + 600_000 },
      waitsFor: { total: lacking.length, first: lacking.slice(0, limit).map(waitingOf) },
    }
  }

  #vmOf(cell: Cell): WindowVmAnswer {
    const { vmId, reason, revision, missing, missingCount } = cell
    return {
      ...{
        vmId,
        reason,
        revision: reason === null ? null : revision,
        expected: EXPECTED,
        received: EXPECTED - missingCount,
      },
      ...{
        duplicates: 0,
        conflicts: 0,
        noReadings: 0,
        missing,
        missingCount,
        producers: [waitingOf(cell)],
        error: null,
      },
    }
  }
}

type ChainLinkOf<Chain> = Chain extends { readonly previous: infer Link } ? Link : never

function nameOf(index: number): string {
  return `${ROLES[index % ROLES.length]}-${String(Math.floor(index / ROLES.length)).padStart(3, '0')}`
}

/** About one VM window in fifty lacks points, and more of the open ones. The same numbers each time. */
function cellOf(vmId: string, index: number, partition: number, window: number, last: number): Cell {
  const dice = ((index + 1) * 7_919 + (window + 3) * 104_729) % 997
  const isOpen = window === last
  const lost = isOpen ? dice % 9 === 0 : dice < 3
  const first = 10 + (dice % 20)
  const count = lost ? 1 + (dice % (isOpen ? 30 : 25)) : 0
  const missing = count === 0 ? [] : ([[first, first + count - 1]] as const)
  const reason = isOpen ? null : lost ? 'grace' : 'complete'
  return {
    vmId,
    partition,
    window,
    missing,
    missingCount: count,
    revision: !isOpen && dice % 331 === 1 ? 2 : 1,
    reason,
  }
}

function letterOf(cells: readonly Cell[]): string {
  return cells.length === 0 ? '.' : cells.every(({ reason }) => reason === 'complete') ? 'c' : 'g'
}

function waitingOf({ vmId, missing, missingCount }: Cell): WaitingAnswer {
  const state = missingCount === 0 ? 'complete' : 'missing'
  return { vmId, producer: '', state, expected: EXPECTED, received: EXPECTED - missingCount, missing, missingCount }
}

function valuesOf(index: number, window: number): { readonly [name: string]: number } {
  const p50 = 40 + (index % 17) + 12 * Math.sin(window / 4 + index)
  return { count: 60, sum: p50 * 60, min: p50 - 20, max: p50 + 45, mean: p50 + 1.5, p50, p95: p50 + 22, p99: p50 + 31 }
}

function letterAt(index: number): LetterAnswer {
  const [reason, detail, text] = LETTERS[index % LETTERS.length] as (typeof LETTERS)[number]
  return {
    ...{
      id: `1:${4_000 + index}`,
      reason,
      detail,
      place: `vm-telemetry/1@${4_000 + index}`,
      partition: 1,
      offset: 4_000 + index,
    },
    ...{
      vmId: null,
      windowStart: null,
      windowEnd: null,
      size: text.length,
      text,
      isWhole: true,
      publishedAtMs: FIRST_MS + index * 61_000,
    },
    ...{ isRetried: index === 4, retry: reason === 'too-late' ? 'as-is' : 'repaired' },
    remedy: reason === 'too-late' ? 'Raise grace or amendWindows.' : 'Give a corrected record.',
  }
}
