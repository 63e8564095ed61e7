/** Ports and functions that time and measure what goes through them. Each does exactly what the one within does. */
import type { InstanceRunner } from '../adapters/dapr/instance-runner.ts'
import { instancePartsOf } from '../ledger/attempt-id.ts'
import type { StateStore, WorkflowEngine } from '../pipeline/ports.ts'
import { AGGREGATE, PARTITION_WINDOW, VM_WINDOW } from '../workflows/names.ts'
import type { CommitPlan, CommitRequest } from '../workflows/plan.ts'
import type { ActivityFunction } from '../workflows/worker-session.ts'
import { PAYLOADS, type Payload } from './attributes.ts'
import type { Attributes, Instruments } from './instruments.ts'

/** Runs `act`, and records how long it took and how it ended. */
async function timed<T>(
  instruments: Instruments,
  key: 'storeDuration' | 'activityDuration' | 'workflowDuration',
  attributes: Attributes,
  act: () => Promise<T>,
  hasFailed: (outcome: T) => boolean = () => false,
): Promise<T> {
  const startedMs = performance.now()
  const record = (outcome: 'completed' | 'failed'): void =>
    instruments.record(key, (performance.now() - startedMs) / 1000, { ...attributes, 'windrow.outcome': outcome })
  try {
    const result = await act()
    record(hasFailed(result) ? 'failed' : 'completed')
    return result
  } catch (error) {
    record('failed')
    throw error
  }
}

export function observedStore(store: StateStore, instruments: Instruments): StateStore {
  const call = <T>(operation: string, act: () => Promise<T>): Promise<T> =>
    timed(instruments, 'storeDuration', { 'windrow.operation': operation }, act)
  const measure = (key: string, value: string): void =>
    instruments.record('payloadRatio', Buffer.byteLength(value) / store.maxValueBytes, {
      'windrow.payload': payloadOf(key),
    })
  return {
    maxValueBytes: store.maxValueBytes,
    get: (keys) => call('get', () => store.get(keys)),
    insert: (key, value) => {
      measure(key, value)
      return call('insert', () => store.insert(key, value))
    },
    swap: (key, value, etag) => {
      measure(key, value)
      return call('swap', () => store.swap(key, value, etag))
    },
    delete: (keys) => call('delete', () => store.delete(keys)),
  }
}

/** What is stored under a key: `<attempt>-<kind>-<page>`, `<job>-<partition>-ledger` or `<job>-job`. */
export function payloadOf(key: string): Payload {
  const words = key.split('-')
  const kind = words.length > 3 ? words.at(-2) : words.at(-1)
  return PAYLOADS.find((payload) => payload === kind) ?? 'other'
}

/** Parent workflows, from their start by this process until it learns of their end. */
export function observedEngine(engine: WorkflowEngine, instruments: Instruments): WorkflowEngine {
  const startedMs = new Map<string, number>()
  instruments.onRead((set) => set('workflowsInFlight', startedMs.size, { 'windrow.workflow': PARTITION_WINDOW }))
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
      // One that was abandoned has no end that anybody waits for.
      startedMs.delete(id)
      await engine.purge(id)
    },
  }
}

/** The runner of `vm-window` instances. */
export function observedRunner(
  runner: InstanceRunner,
  maxValueBytes: number,
  instruments: Instruments,
): InstanceRunner {
  let inFlight = 0
  instruments.onRead((set) => set('workflowsInFlight', inFlight, { 'windrow.workflow': VM_WINDOW }))
  return {
    async run(workflowName, id, input) {
      inFlight++
      try {
        if (instancePartsOf(id).tries > 0) instruments.add('retries', 1, { 'windrow.step': 'vm-window' })
        const share = Buffer.byteLength(input) / maxValueBytes
        instruments.record('payloadRatio', share, { 'windrow.payload': 'vm-window input' })
        const act = () => runner.run(workflowName, id, input)
        return await timed(instruments, 'workflowDuration', { 'windrow.workflow': VM_WINDOW }, act, ({ ok }) => !ok)
      } finally {
        inFlight--
      }
    },
  }
}

export type Activities = Record<string, ActivityFunction>

export function observedActivities(activities: Activities, instruments: Instruments): Activities {
  return mapActivities(
    activities,
    (name, activity) => (context, input) =>
      timed(
        instruments,
        'activityDuration',
        { 'windrow.activity': name },
        async () => (await activity(context, input)) as { readonly ok?: boolean },
        ({ ok }) => ok === false,
      ),
  )
}

export function mapActivities(
  activities: Activities,
  change: (name: string, activity: ActivityFunction) => ActivityFunction,
): Activities {
  return Object.fromEntries(Object.entries(activities).map(([name, activity]) => [name, change(name, activity)]))
}

/** The plan in the input of one of Windrow's activities. */
export function planOf(name: string, input: unknown): CommitPlan {
  return name === AGGREGATE ? (input as CommitPlan) : (input as CommitRequest).plan
}
