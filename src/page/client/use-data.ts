/** Hooks that connect components to the page's data and to its address. */
import { createContext } from 'preact'
import { useContext, useEffect, useReducer } from 'preact/hooks'
import type { Answer, Connection, LiveData } from './live.ts'

export const LiveContext = createContext<LiveData | null>(null)

export function useLive(): LiveData {
  const live = useContext(LiveContext)
  if (live === null) throw new Error('a component is used outside of the page')
  return live
}

/** The current answer of a path, which stays current while the component is shown. */
export function useAnswer<Data>(path: string): Answer<Data> {
  const live = useLive()
  const render = useRender()
  useEffect(() => live.watch(path, render), [live, path])
  return live.answer(path) as Answer<Data>
}

export function useConnection(): Connection {
  const live = useLive()
  const render = useRender()
  useEffect(() => live.onConnection(render), [live])
  return live.connection
}

export function useRender(): () => void {
  const [, render] = useReducer((count: number, _: undefined) => count + 1, 0)
  return () => render(undefined)
}
