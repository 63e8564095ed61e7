/**
 * The page's data: what is on the screen is fetched again after an event, bounded in number, and a slow or failed answer never
 * replaces a newer one.
 */
import { describe, expect, it } from 'vitest'
import { LiveData, type Browser } from '../../../src/page/client/live.ts'

type Listener = () => void

/** A stream of events as the page uses it, driven by the test. */
class FakeEvents {
  onopen: Listener | null = null
  onerror: Listener | null = null
  readyState = 0
  readonly #listeners = new Map<string, Listener>()
  addEventListener(name: string, listener: Listener): void {
    this.#listeners.set(name, listener)
  }
  emit(name: string): void {
    this.#listeners.get(name)?.()
  }
  close(): void {
    this.readyState = 2
  }
}

class Fixture implements Browser {
  readonly requests: { readonly path: string; readonly answer: (body: object, status?: number) => void }[] = []
  readonly streams: FakeEvents[] = []
  readonly timers: Listener[] = []
  hidden = false
  readonly fetch = (path: string): Promise<Response> =>
    new Promise((resolve) => {
      const answer = (body: object, status = 200): void => resolve(new Response(JSON.stringify(body), { status }))
      this.requests.push({ path, answer })
    })
  readonly openEvents = (): EventSource => {
    const events = new FakeEvents()
    this.streams.push(events)
    return events as unknown as EventSource
  }
  readonly setTimeout = (action: Listener): number => this.timers.push(action)
  readonly clearTimeout = (): void => undefined
  readonly isHidden = (): boolean => this.hidden
}

function started(): { readonly live: LiveData; readonly browser: Fixture; readonly events: FakeEvents } {
  const browser = new Fixture()
  const live = new LiveData(browser, ['snapshot'])
  live.start()
  return { live, browser, events: browser.streams[0] as FakeEvents }
}

/** Resolves when the watched path has another answer. */
function nextAnswer(live: LiveData, path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const end = live.watch(path, () => {
      end()
      resolve(live.answer(path))
    })
  })
}

describe('the data of the page', () => {
  it('many events within the pause make two rounds of requests', () => {
    const { live, browser, events } = started()
    live.watch('/v1/open', () => undefined)
    expect(browser.requests).toHaveLength(1)
    for (let count = 0; count < 50; count++) events.emit('snapshot')
    expect(browser.requests).toHaveLength(2)
    browser.timers[0]?.()
    expect(browser.requests).toHaveLength(3)
    browser.timers[1]?.()
    expect(browser.requests).toHaveLength(3)
  })

  it('a hidden page requests nothing until it is visible', () => {
    const { live, browser, events } = started()
    live.watch('/v1/open', () => undefined)
    browser.hidden = true
    events.emit('snapshot')
    expect(browser.requests).toHaveLength(1)
    browser.hidden = false
    live.becameVisible()
    expect(browser.requests).toHaveLength(2)
  })

  it('an answer that is overtaken by a newer one is dropped', async () => {
    const { live, browser, events } = started()
    live.watch('/v1/open', () => undefined)
    events.emit('snapshot')
    const newer = nextAnswer(live, '/v1/open')
    browser.requests[1]?.answer({ snapshot: 'new' })
    expect(await newer).toEqual({ data: { snapshot: 'new' }, problem: null })
    browser.requests[0]?.answer({ snapshot: 'old' })
    events.emit('snapshot')
    browser.timers[0]?.()
    const last = nextAnswer(live, '/v1/open')
    browser.requests.at(-1)?.answer({ snapshot: 'newest' })
    expect(await last).toEqual({ data: { snapshot: 'newest' }, problem: null })
  })

  it('a failed request keeps the last answer, and one that finds nothing does not', async () => {
    const { live, browser, events } = started()
    live.watch('/v1/job', () => undefined)
    const first = nextAnswer(live, '/v1/job')
    browser.requests[0]?.answer({ job: 'a' })
    await first
    events.emit('snapshot')
    const failed = nextAnswer(live, '/v1/job')
    browser.requests.at(-1)?.answer({ code: 'FAULT', detail: 'broken', remedy: 'Wait.' }, 500)
    const problem = { status: 500, code: 'FAULT', detail: 'broken', remedy: 'Wait.' }
    expect(await failed).toEqual({ data: { job: 'a' }, problem })
    browser.timers[0]?.()
    events.emit('snapshot')
    const gone = nextAnswer(live, '/v1/job')
    browser.requests.at(-1)?.answer({ code: 'NO_JOB', detail: 'no job', remedy: 'Start it.' }, 404)
    expect(await gone).toMatchObject({ data: null, problem: { code: 'NO_JOB' } })
  })

  it('a stream that the server refused is opened again', () => {
    const { live, browser, events } = started()
    events.readyState = 2
    events.onerror?.()
    expect(live.connection).toBe('lost')
    browser.timers[0]?.()
    expect(browser.streams).toHaveLength(2)
    browser.streams[1]?.onopen?.()
    expect(live.connection).toBe('live')
  })
})
