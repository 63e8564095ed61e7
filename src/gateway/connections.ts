/**
 * Closes connections while the gateway drains. After `close()`, Node's server closes idle connections and then waits: for
 * connections that become idle a moment later, until their keep-alive expires, and for stalled senders forever, since a
 * closed server no longer checks for slow requests. This class closes the former together with their last response, and
 * aborts the latter.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export class Connections {
  /** For each open connection: how many requests are unanswered, and whether the body of one of them has arrived in full. */
  readonly #open = new Map<Socket, { unanswered: number; hasWholeBody: boolean }>()
  #isClosing = false

  /** Must be created before the server accepts its first connection. */
  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.set(socket, { unanswered: 0, hasWholeBody: false })
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  /** The headers of a request have arrived. */
  requestStarted(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.unanswered++
  }

  /** Its body has arrived in full, so from here on only the gateway can delay the response. */
  bodyReceived(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.hasWholeBody = true
  }

  responseSent(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection === undefined) return
    connection.unanswered--
    connection.hasWholeBody = false
    if (this.#isClosing && connection.unanswered === 0) socket.destroySoon()
  }

  /** From now on, closes each connection as soon as all of its requests are answered. */
  closeWhenAnswered(): void {
    this.#isClosing = true
  }

  /** Writes `respond` to every connection without a complete request, then closes it even if data is still unread. */
  abortIncomplete(respond: (socket: Socket) => void): void {
    for (const [socket, { hasWholeBody }] of this.#open) {
      if (hasWholeBody) continue
      respond(socket)
      socket.destroySoon()
    }
  }
}
