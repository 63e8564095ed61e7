/** A proxy between the sidecars and their state store, so that calls to the store itself can be slow and fail. */
import { openStack, type Stack } from '../../src/dev/stack/index.ts'
import { writeStack } from '../../src/dev/stack/description.ts'
import { startTcpProxy, type TcpProxy } from '../adapters/dapr/support/tcp-proxy.ts'

/** The stack as it is now, its sidecars started again with the proxy's address for the store's. */
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
