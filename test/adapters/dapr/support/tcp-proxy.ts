import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Transform } from 'node:stream'

/** A proxy with a fixed port in front of a sidecar that stops and restarts on other ports. */
export interface TcpProxy {
  readonly port: number
  /** Target port of new connections; `null` refuses them, like a port without a listener. */
  target(port: number | null): void
  /** Delays every chunk of every connection by this long, in order; 0 for no delay. */
  slow(delayMs: number): void
  /** Resets every open connection without a goodbye. */
  cut(): void
  close(): Promise<void>
}

export async function startTcpProxy(): Promise<TcpProxy> {
  let target: number | null = null
  let delayMs = 0
  const delayed = () =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        if (delayMs === 0) done(null, chunk)
        else setTimeout(done, delayMs, null, chunk)
      },
    })
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
      one.pipe(delayed()).pipe(other)
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
    slow(ms) {
      delayMs = ms
    },
    cut,
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
