/**
 * The attributes of metrics, each with all of its possible values. This bounds the number of series: the name of a VM, a
 * window or a workflow instance is never an attribute. Those are in traces and logs.
 */
import type { CloseReason } from '../core/closing.ts'
import type { DeadLetterReason, FateCounts } from '../core/fate.ts'
import { PROBLEM_CODES } from '../gateway/problem.ts'
import { ROUTES } from '../gateway/routes.ts'
import type { ChunkKind } from '../ledger/chunk-rows.ts'
import { AGGREGATE, AGGREGATE_V2, COMMIT, COMMIT_V2, PARTITION_WINDOW, VM_WINDOW } from '../workflows/names.ts'

/** Takes a record, so that adding a value to the type is a compile error until it is added here. */
const valuesOf = <Value extends string>(all: Readonly<Record<Value, true>>): readonly Value[] =>
  Object.keys(all) as Value[]

export const RECORD_FATES = valuesOf<Exclude<keyof FateCounts, 'consumed' | 'extra'>>({
  accepted: true,
  duplicate: true,
  conflict: true,
  late: true,
  rejected: true,
  manifests: true,
  noReading: true,
})

export const CLOSE_REASONS = valuesOf<CloseReason>({
  complete: true,
  grace: true,
  deadline: true,
  forced: true,
  quarantined: true,
})

export const DEAD_LETTER_REASONS = valuesOf<DeadLetterReason>({
  undecodable: true,
  'unknown-schema': true,
  invalid: true,
  'implausible-time': true,
  'integer-beyond-2^53': true,
  oversized: true,
  'value-out-of-range': true,
  'timestamp-out-of-range': true,
  'ahead-of-time': true,
  'seq-span': true,
  'too-many-metrics': true,
  'too-many-producers': true,
  'manifest-misaligned': true,
  'manifest-too-large': true,
  'manifest-mixed': true,
  conflict: true,
  'too-late': true,
  quarantined: true,
})

const CHUNK_KINDS = valuesOf<ChunkKind>({
  accs: true,
  late: true,
  amended: true,
  open: true,
  contents: true,
  roster: true,
  dead: true,
  states: true,
  results: true,
  quarantined: true,
  total: true,
  certificate: true,
  index: true,
})

/** Values of the state store and workflow inputs whose size is limited. */
export const PAYLOADS = [...CHUNK_KINDS, 'ledger', 'job', 'vm-window input', 'other'] as const
export type Payload = (typeof PAYLOADS)[number]

/** Retried steps. Steps of the pipeline that end in a number are listed without it. */
export const RETRY_STEPS = [
  'taking over',
  'reading the index',
  'reading the ledger',
  'recovering',
  'setting the goal',
  'committing',
  'raising the epoch',
  'polling the workflow of commit',
  'publishing',
  'settling',
  'vm-window',
  'other',
] as const
export type RetryStep = (typeof RETRY_STEPS)[number]

export const STATUS_CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const

export const ITEM_KINDS = ['point', 'manifest'] as const

/** The outcome of an item sent to a gateway. It is refused for the same reasons for which it would become a dead letter. */
export const ITEM_FATES = ['accepted', 'not-acknowledged', 'wrong-kind', ...DEAD_LETTER_REASONS] as const

export const ATTRIBUTES = {
  'windrow.partition': { help: 'Number of a partition', values: null },
  'windrow.fate': { help: 'Outcome of a record', values: RECORD_FATES },
  'windrow.reason': { help: 'Why a window or a VM window closed', values: CLOSE_REASONS },
  'windrow.dead_letter.reason': {
    help: 'Why a record or a VM window became a dead letter',
    values: DEAD_LETTER_REASONS,
  },
  'windrow.step': { help: 'Step that is retried', values: RETRY_STEPS },
  'windrow.commit.kind': { help: 'Whether the commit closes a window', values: ['window', 'checkpoint'] },
  'windrow.workflow': { help: 'Name of a workflow', values: [PARTITION_WINDOW, VM_WINDOW] },
  'windrow.activity': { help: 'Name of an activity', values: [AGGREGATE, COMMIT, AGGREGATE_V2, COMMIT_V2] },
  'windrow.outcome': { help: 'Outcome', values: ['completed', 'failed'] },
  'windrow.operation': { help: 'Operation of the state store', values: ['get', 'insert', 'swap', 'delete'] },
  'windrow.payload': { help: 'Kind of the stored value or workflow input', values: PAYLOADS },
  'http.route': { help: 'Route of the request', values: [...ROUTES, 'other'] },
  'windrow.status_class': { help: 'First digit of the response status', values: STATUS_CLASSES },
  'windrow.item': { help: 'Kind of item', values: ITEM_KINDS },
  'windrow.item.fate': { help: 'Outcome of an item', values: ITEM_FATES },
  'windrow.refusal': { help: 'Problem code of the response to a refused request', values: PROBLEM_CODES },
} as const satisfies Readonly<Record<string, { help: string; values: readonly string[] | null }>>

export type AttributeName = keyof typeof ATTRIBUTES

/** The attributes of one measurement. */
export type Attributes = { readonly [Name in AttributeName]?: string | number }

/** The attribute's name in Prometheus, which allows only letters, digits and underscores. */
export function prometheusLabel(attribute: AttributeName): string {
  return attribute.replaceAll('.', '_')
}
