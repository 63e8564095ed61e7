/**
 * Pins when the watch treats a sidecar as stuck. What a real daprd reports, and that it shuts down on request, is tested
 * in test/stack.
 */
import { describe, expect, test, vi } from 'vitest'
import type { SidecarClient } from '../../../src/adapters/dapr/client.ts'
import type { DaprApi } from '../../../src/adapters/dapr/runtime-api.ts'
import { actorsOf, watchActors, type ActorsState } from '../../../src/adapters/dapr/actor-watch.ts'

const WORKFLOW = 'dapr.internal.default.windrow.workflow'

/** A client of a sidecar whose metadata contains this actor runtime; `null` for none. */
function clientOf(actorRuntime: object | null): Pick<SidecarClient, 'api'> {
  const getMetadata = () => Promise.resolve(actorRuntime === null ? {} : { actorRuntime })
  return { api: { getMetadata } as unknown as DaprApi }
}

const running = (hostReady: boolean, ...types: string[]) => ({
  ...{ runtimeStatus: 2, hostReady, activeActors: types.map((type) => ({ type, count: 0 })) },
})

test.each<[string, object | null, ActorsState]>([
  ['with workflow actors', running(true, WORKFLOW, 'dapr.internal.default.windrow.activity'), 'registered'],
  ['of another app id and namespace', running(true, 'dapr.internal.prod.my.app.workflow'), 'registered'],
  ['with none', running(true), 'missing'],
  ['with actors of an application', running(true, 'workflow', 'dapr.internal.default.windrow.activity'), 'missing'],
  ['whose placement service is unreachable', running(false), 'unknown'],
  ['that is starting', { ...running(true), runtimeStatus: 0 }, 'unknown'],
  ['without actors', { ...running(true), runtimeStatus: 1 }, 'unknown'],
  ['without an actor runtime, like the embedded one', null, 'unknown'],
])('the actors of a sidecar %s are classified', async (_, actorRuntime, state) => {
  expect(await actorsOf(clientOf(actorRuntime))).toBe(state)
})

describe('the watch of the actors', () => {
  const onDenied = (error: Error): void => expect.unreachable(error.message)

  test('ends and reports when the sidecar does not allow the question', async () => {
    const answers: (ActorsState | Error)[] = ['registered', Object.assign(new Error('Not Implemented'), { code: 12 })]
    const denied: Error[] = []
    let asked = 0
    const ask = async (): Promise<ActorsState> => {
      const answer = answers[asked++] as ActorsState | Error
      if (answer instanceof Error) throw answer
      return answer
    }
    const onMissing = (): void => expect.unreachable()
    watchActors(ask, { onMissing, onDenied: (error) => denied.push(error) }, { everyMs: 1, times: 1 })
    await vi.waitFor(() => expect(denied).toEqual([answers[1]]))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([asked, denied.length]).toEqual([2, 1])
  })

  /**
   * Number of polls after which the watch reported missing actors, or `null` if it did not within 20 polls. The polls get
   * `answers` in order; the last one repeats.
   */
  async function pollsUntilReport(...answers: (ActorsState | Error)[]): Promise<number | null> {
    let asked = 0
    const ask = async (): Promise<ActorsState> => {
      const answer = answers[Math.min(asked++, answers.length - 1)] as ActorsState | Error
      if (answer instanceof Error) throw answer
      return answer
    }
    let reportedAt: number | null = null
    const end = watchActors(ask, { onMissing: () => void (reportedAt = asked), onDenied }, { everyMs: 1, times: 3 })
    await vi.waitFor(() => expect(reportedAt !== null || asked > 20).toBe(true))
    end()
    return reportedAt
  }

  test('reports missing actors after three polls in a row without them', async () => {
    expect(await pollsUntilReport('missing')).toBe(3)
    expect(await pollsUntilReport('registered', 'missing')).toBe(4)
  })

  test('starts to count again after a poll that found them or got no answer', async () => {
    expect(await pollsUntilReport('missing', 'missing', 'registered', 'missing', 'missing', 'unknown', 'missing')).toBe(
      9,
    )
    expect(await pollsUntilReport('missing', 'missing', new Error('away'), 'missing')).toBe(6)
  })

  test('reports nothing of a sidecar that is healthy, unreachable or without actors', async () => {
    for (const answer of ['registered', 'unknown', new Error('away')] as const)
      expect(await pollsUntilReport(answer)).toBeNull()
  })

  test('neither polls nor reports after it was stopped', async () => {
    let answer!: (state: ActorsState) => void
    let asked = 0
    let isReported = false
    const ask = (): Promise<ActorsState> => (asked++, new Promise((resolve) => (answer = resolve)))
    const end = watchActors(ask, { onMissing: () => void (isReported = true), onDenied }, { everyMs: 1, times: 1 })
    await vi.waitFor(() => expect(asked).toBe(1))
    end()
    answer('missing')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([asked, isReported]).toEqual([1, false])
  })
})
