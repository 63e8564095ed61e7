import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Transform } from 'node:stream'

/** A fixed port before a sidecar that comes, goes and comes back on another one. */
export interface TcpProxy {
  readonly port: number
  /** Where new connections lead; `null` refuses them, as a port does that nobody listens on. */
  target(port: number | null): void
  /** Lets every piece of every connection wait for so long, one after another; 0 ends it. */
  slow(delayMs: number): void
  /** Breaks every open connection without a word. */
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
