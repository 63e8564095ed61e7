/** Stacks for tests: the one that the files of the suite share, or one of a file's own. */
import { afterAll, beforeAll, inject } from 'vitest'
import { findStack, openStack, startStack } from '../../src/dev/stack/index.ts'
import { busyPorts, daprdPorts, MAX_DAPRDS, stackPorts } from '../../src/dev/stack/ports.ts'
import type { Stack, StackOptions } from '../../src/dev/stack/index.ts'
import { newStackDir, removeStack } from './stack-folder.ts'

/**
 * The stack of the suite, with its state in Redis and one sidecar. Files come one after another, so each may do with it what
 * it likes: the next finds its parts up, and only the sidecars that it adds itself. Names of jobs and topics are to be fresh.
 */
export function sharedStack(): () => Stack {
  return stackOf(
    async () => {
      const dataDir = inject('sharedStackDir')
      if ((await findStack(dataDir)) === null) return startStack({ dataDir, portBase: await freePortBase() })
      const stack = await openStack(dataDir)
      const added = addedTo(stack)
      for (const { service } of await stack.status()) if (!added.includes(service)) await stack.start(service)
      return stack
    },
    async (stack) => {
      if (stack !== undefined) for (const name of addedTo(stack)) await stack.stop(name)
    },
  )
}

/** A stack that is up while the tests of this file run: for what leaves so much behind that others would feel it. */
export function ownStack(options: Pick<StackOptions, 'state' | 'daprds' | 'with'> = {}): () => Stack {
  let dataDir: string
  return stackOf(
    async () => {
      dataDir = await newStackDir()
      return startStack({ ...options, dataDir, portBase: await freePortBase() })
    },
    () => removeStack(dataDir),
  )
}

function stackOf(bringUp: () => Promise<Stack>, leave: (stack: Stack | undefined) => Promise<void>): () => Stack {
  let stack: Stack | undefined
  beforeAll(async () => {
    stack = await bringUp()
  })
  afterAll(() => leave(stack))
  return () => {
    if (stack === undefined) throw new Error('the stack is not up yet')
    return stack
  }
}

/** Sidecars that a file has added to the first one. */
const addedTo = (stack: Stack): string[] =>
  stack.description.daprds.filter(({ index }) => index > 0).map(({ name }) => name)

/** The first port of a block from there on that is free, with room for all sidecars. */
export async function freePortBase(from = 24_000): Promise<number> {
  for (let base = from; ; base += 100) {
    const sidecars = Array.from({ length: MAX_DAPRDS }, (_, index) => daprdPorts(base, index))
    const ports = [stackPorts(base), ...sidecars].flatMap((some) => Object.values(some) as number[])
    if ((await busyPorts(ports)).length === 0) return base
  }
}
