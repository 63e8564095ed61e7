/** Puts a proxy between the sidecars and their state store, to make calls to the store itself slow or fail. */
import { openStack, type Stack } from '../../src/dev/stack/index.ts'
import { writeStack } from '../../src/dev/stack/description.ts'
import { startTcpProxy, type TcpProxy } from '../adapters/dapr/support/tcp-proxy.ts'

/** Restarts the sidecars of the stack with the address of the proxy instead of the store's. */
export async function proxyBeforeStore({ description }: Stack): Promise<{ stack: Stack; proxy: TcpProxy }> {
  const { dataDir, state, ports, addresses } = description
  const proxy = await startTcpProxy()
  try {
    proxy.target(ports[state])
    const address = addresses[state].replace(`:${ports[state]}`, `:${proxy.port}`)
    await writeStack({ ...description, addresses: { ...addresses, [state]: address } })
    const stack = await openStack(dataDir)
    for (const { name } of description.daprds) {
      await stack.stop(name)
      await stack.start(name)
    }
    return { stack, proxy }
  } catch (error) {
    await proxy.close()
    throw error
  }
}
