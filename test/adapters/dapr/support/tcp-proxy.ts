import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A fixed port before a sidecar that comes, goes and comes back on another one. */
export interface TcpProxy {
  readonly port: number
  /** Where new connections lead; `null` refuses them, as a port does that nobody listens on. */
  target(port: number | null): void
  /** Breaks every open connection without a word. */
  cut(): void
  close(): Promise<void>
}

export async function startTcpProxy(): Promise<TcpProxy> {
  let target: number | null = null
  const open = new Set<Socket>()
  const server = createServer((near) => {
    if (target === null) {
      near.resetAndDestroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    target(port) {
      target = port
    },
    cut,
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
