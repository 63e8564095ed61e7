/** When a sidecar is taken to be stuck. What a real daprd tells, and that it ends when asked, is in test/stack. */
import { describe, expect, test, vi } from 'vitest'
import type { DaprApi, SidecarClient } from '../../../src/adapters/dapr/client.ts'
import { actorsOf, watchActors, type ActorsState } from '../../../src/adapters/dapr/actor-watch.ts'

const WORKFLOW = 'dapr.internal.default.windrow.workflow'

/** A sidecar's word for its actors; `null` is none. */
function telling(actorRuntime: object | null): Pick<SidecarClient, 'api' | 'closed'> {
  const getMetadata = () => Promise.resolve(actorRuntime === null ? {} : { actorRuntime })
  return { api: { getMetadata } as unknown as DaprApi, closed: new AbortController().signal }
}

const running = (hostReady: boolean, ...types: string[]) => ({
  ...{ runtimeStatus: 2, hostReady, activeActors: types.map((type) => ({ type, count: 0 })) },
})

test.each<[string, object | null, ActorsState]>([
  ['with workflow actors', running(true, WORKFLOW, 'dapr.internal.default.windrow.activity'), 'registered'],
  ['of another app id and namespace', running(true, 'dapr.internal.prod.my.app.workflow'), 'registered'],
  ['with none', running(true), 'missing'],
  ['with actors of an application', running(true, 'workflow', 'dapr.internal.default.windrow.activity'), 'missing'],
  ['whose placement is away', running(false), 'unknown'],
  ['that is coming up', { ...running(true), runtimeStatus: 0 }, 'unknown'],
  ['without actors', { ...running(true), runtimeStatus: 1 }, 'unknown'],
  ['that knows no actors, as the embedded one', null, 'unknown'],
])('a sidecar %s', async (_, actorRuntime, state) => {
  expect(await actorsOf(telling(actorRuntime))).toBe(state)
})

describe('watching', () => {
  /** What is answered, in order, and then the last for good; how often was asked when it was told of, `null` if never. */
  async function toldAfter(...answers: (ActorsState | Error)[]): Promise<number | null> {
    let asked = 0
    const ask = async (): Promise<ActorsState> => {
      const answer = answers[Math.min(asked++, answers.length - 1)] as ActorsState | Error
      if (answer instanceof Error) throw answer
      return answer
    }
    let told: number | null = null
    const end = watchActors(ask, () => void (told = asked), { everyMs: 1, times: 3 })
    await vi.waitFor(() => expect(told !== null || asked > 20).toBe(true))
    end()
    return told
  }

  test('tells when they were missing three times in a row', async () => {
    expect(await toldAfter('missing')).toBe(3)
    expect(await toldAfter('registered', 'missing')).toBe(4)
  })

  test('begins anew when they were there, or nothing was told', async () => {
    expect(await toldAfter('missing', 'missing', 'registered', 'missing', 'missing', 'unknown', 'missing')).toBe(9)
    expect(await toldAfter('missing', 'missing', new Error('away'), 'missing')).toBe(6)
  })

  test('tells nothing of a sidecar that is well, away or unlike', async () => {
    for (const answer of ['registered', 'unknown', new Error('away')] as const)
      expect(await toldAfter(answer)).toBeNull()
  })

  test('that has ended asks nothing more, and tells nothing', async () => {
    let answer!: (state: ActorsState) => void
    let asked = 0
    let isTold = false
    const ask = (): Promise<ActorsState> => (asked++, new Promise((resolve) => (answer = resolve)))
    const end = watchActors(ask, () => void (isTold = true), { everyMs: 1, times: 1 })
    await vi.waitFor(() => expect(asked).toBe(1))
    end()
    answer('missing')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([asked, isTold]).toEqual([1, false])
  })
})
