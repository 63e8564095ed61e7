/**
 * The end of connections while the gateway drains. Node's server, told to close, closes the idle ones and then waits: for
 * those that are answered a moment later until their keep-alive is over, and for senders that stall for good, since it
 * looks for slow ones no more. Here the former are closed with their answer, and the latter given up.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export class Connections {
  /** Of each open connection: requests that are not answered yet, and whether one of them has come whole. */
  readonly #open = new Map<Socket, { unanswered: number; isWhole: boolean }>()
  #isEnding = false

  /** Must see the server before its first connection. */
  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.set(socket, { unanswered: 0, isWhole: false })
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  /** The head of a request is here. */
  hasBegun(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.unanswered++
  }

  /** And all of its body, so its end is up to the gateway. */
  hasCome(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection !== undefined) connection.isWhole = true
  }

  isAnswered(socket: Socket): void {
    const connection = this.#open.get(socket)
    if (connection === undefined) return
    connection.unanswered--
    connection.isWhole = false
    if (this.#isEnding && connection.unanswered === 0) socket.destroySoon()
  }

  /** From now on a connection ends with the last answer on it. */
  end(): void {
    this.#isEnding = true
  }

  /** Has `answer` written to each that nothing whole has come on, then closes it, read or not. */
  giveUp(answer: (socket: Socket) => void): void {
    for (const [socket, { isWhole }] of this.#open) {
      if (isWhole) continue
      answer(socket)
      socket.destroySoon()
    }
  }
}
