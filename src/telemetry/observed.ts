/** Wrappers around ports and activities that time calls and measure payloads. Each does exactly what the wrapped one does. */
import type { InstanceRunner } from '../adapters/dapr/instance-runner.ts'
import { instancePartsOf } from '../ledger/attempt-id.ts'
import type { StateStore, WorkflowEngine } from '../ports/index.ts'
import { AGGREGATE, AGGREGATE_V2, PARTITION_WINDOW, VM_WINDOW } from '../workflows/names.ts'
import type { CommitPlan, CommitRequest } from '../workflows/plan.ts'
import type { ActivityFunction } from '../adapters/dapr/worker-session.ts'
import { PAYLOADS, type Attributes, type Payload } from './attributes.ts'
import type { Instruments } from './instruments.ts'

/** Attributes by outcome. They are created once, because histograms.ts finds the series of a known object fastest. */
interface Outcomes {
  readonly completed: Attributes
  readonly failed: Attributes
}

const outcomesOf = (attributes: Attributes): Outcomes => ({
  completed: { ...attributes, 'windrow.outcome': 'completed' },
  failed: { ...attributes, 'windrow.outcome': 'failed' },
})

/** Runs `act` and records its duration and outcome. */
async function timed<T>(
  instruments: Instruments,
  key: 'storeDuration' | 'activityDuration' | 'workflowDuration',
  outcomes: Outcomes,
  act: () => Promise<T>,
  hasFailed?: (outcome: T) => boolean,
): Promise<T> {
  const startedMs = performance.now()
  let outcome: keyof Outcomes = 'failed'
  try {
    const result = await act()
    if (hasFailed?.(result) !== true) outcome = 'completed'
    return result
  } finally {
    instruments.record(key, (performance.now() - startedMs) / 1000, outcomes[outcome])
  }
}

export function observedStore(store: StateStore, instruments: Instruments): StateStore {
  const operations = {
    get: outcomesOf({ 'windrow.operation': 'get' }),
    insert: outcomesOf({ 'windrow.operation': 'insert' }),
    swap: outcomesOf({ 'windrow.operation': 'swap' }),
    delete: outcomesOf({ 'windrow.operation': 'delete' }),
  }
  const call = <T>(operation: keyof typeof operations, act: () => Promise<T>): Promise<T> =>
    timed(instruments, 'storeDuration', operations[operation], act)
  const payloads = new Map(PAYLOADS.map((payload) => [payload, { 'windrow.payload': payload }]))
  const measure = (key: string, value: string): void =>
    instruments.record('payloadRatio', Buffer.byteLength(value) / store.maxValueBytes, payloads.get(payloadOf(key)))
  return {
    maxValueBytes: store.maxValueBytes,
    get: (keys) => call('get', () => store.get(keys)),
    insert: (key, value, expected) => {
      measure(key, value)
      return call('insert', () => store.insert(key, value, expected))
    },
    swap: (key, value, etag) => {
      measure(key, value)
      return call('swap', () => store.swap(key, value, etag))
    },
    delete: (keys) => call('delete', () => store.delete(keys)),
  }
}

/** The kind of value under a key: `<attempt>-<kind>-<page>`, `<job>-<partition>-ledger` or `<job>-job`. */
export function payloadOf(key: string): Payload {
  const words = key.split('-')
  const kind = words.length > 3 ? words.at(-2) : words.at(-1)
  return PAYLOADS.find((payload) => payload === kind) ?? 'other'
}

/** Times parent workflows from their start by this process until it learns that they ended. */
export function observedEngine(engine: WorkflowEngine, instruments: Instruments): WorkflowEngine {
  const startedMs = new Map<string, number>()
  instruments.onCollect((set) => set('workflowsInFlight', startedMs.size, { 'windrow.workflow': PARTITION_WINDOW }))
  return {
    async start(id, input) {
      if (!startedMs.has(id)) startedMs.set(id, performance.now())
      await engine.start(id, input)
    },
    async poll(id) {
      const status = await engine.poll(id)
      const sinceMs = startedMs.get(id)
      if (status.kind === 'running' || sinceMs === undefined) return status
      startedMs.delete(id)
      const outcome = status.kind === 'completed' ? 'completed' : 'failed'
      const attributes = { 'windrow.workflow': PARTITION_WINDOW, 'windrow.outcome': outcome }
      instruments.record('workflowDuration', (performance.now() - sinceMs) / 1000, attributes)
      return status
    },
    async purge(id) {
      // An abandoned workflow is purged without being polled to its end.
      startedMs.delete(id)
      await engine.purge(id)
    },
  }
}

/** Times `vm-window` instances. */
export function observedRunner(
  runner: InstanceRunner,
  maxValueBytes: number,
  instruments: Instruments,
): InstanceRunner {
  let inFlight = 0
  const payload = { 'windrow.payload': 'vm-window input' } as const
  const outcomes = outcomesOf({ 'windrow.workflow': VM_WINDOW })
  instruments.onCollect((set) => set('workflowsInFlight', inFlight, { 'windrow.workflow': VM_WINDOW }))
  return {
    async run(workflowName, id, input) {
      inFlight++
      try {
        if (instancePartsOf(id).tries > 0) instruments.add('retries', 1, { 'windrow.step': 'vm-window' })
        const share = Buffer.byteLength(input) / maxValueBytes
        instruments.record('payloadRatio', share, payload)
        const act = () => runner.run(workflowName, id, input)
        return await timed(instruments, 'workflowDuration', outcomes, act, ({ ok }) => !ok)
      } finally {
        inFlight--
      }
    },
  }
}

export type Activities = Record<string, ActivityFunction>

export function observedActivities(activities: Activities, instruments: Instruments): Activities {
  return mapActivities(activities, (name, activity) => {
    const outcomes = outcomesOf({ 'windrow.activity': name })
    return (context, input) =>
      timed(
        instruments,
        'activityDuration',
        outcomes,
        async () => (await activity(context, input)) as { readonly ok?: boolean },
        ({ ok }) => ok === false,
      )
  })
}

export function mapActivities(
  activities: Activities,
  change: (name: string, activity: ActivityFunction) => ActivityFunction,
): Activities {
  return Object.fromEntries(Object.entries(activities).map(([name, activity]) => [name, change(name, activity)]))
}

/** Returns the commit plan from the input of an activity. */
export function planOf(name: string, input: unknown): CommitPlan {
  return name === AGGREGATE || name === AGGREGATE_V2 ? (input as CommitPlan) : (input as CommitRequest).plan
}
