import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Maximum number of unanswered requests on one connection. */
const MAX_UNANSWERED = 32

interface Connection {
  /** For each unanswered request, the function to call once it has been answered or never will be. */
  readonly unanswered: Set<() => void>
  /** Settles when the latest request has been answered or never will be. */
  last: Promise<void>
}

/**
 * The connections of a server. Requests on one connection are processed one at a time, in the order of their answers.
 * Node would start all of them at once, and each answer would hold the bytes that it has read ahead.
 */
export class Connections {
  readonly #connections = new Map<Socket, Connection>()
  #closing = false

  /** Watches a server. */
  constructor(server: Server) {
    server.on('connection', (socket) => void this.#watch(socket))
  }

  /** Waits until it is the turn of a request; false if the client has disconnected or the server accepts no more. */
  async turn(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { socket } = request
    if (socket.destroyed || this.#closing) return false
    const connection = this.#connections.get(socket) ?? this.#watch(socket)
    const { unanswered, last: before } = connection
    if (unanswered.size === MAX_UNANSWERED) socket.destroy()
    connection.last = new Promise((resolve) => {
      unanswered.add(resolve)
      response.once('close', () => {
        unanswered.delete(resolve)
        resolve()
        // Node would keep the connection open for another request.
        if (this.#closing && request.complete) socket.destroySoon()
      })
    })
    await before
    return !socket.destroyed && !this.#closing
  }

  /** Closes idle connections now, and each other connection once its request has been answered. */
  close(): void {
    this.#closing = true
    for (const [socket, { unanswered }] of this.#connections) {
      if (unanswered.size === 0) socket.destroy()
    }
  }

  #watch(socket: Socket): Connection {
    const connection: Connection = { unanswered: new Set(), last: Promise.resolve() }
    this.#connections.set(socket, connection)
    socket.once('close', () => {
      this.#connections.delete(socket)
      // An answer that is still waiting for its turn does not notice that the connection has closed.
      for (const resolve of connection.unanswered) resolve()
    })
    return connection
  }
}
