import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests that a client may have sent without an answer to any of them. */
const MAX_UNANSWERED = 32

interface Connection {
  /** Of each request without an answer, what is to be called when it has one, or will have none. */
  readonly unanswered: Set<() => void>
  /** Settles when the request that came last has its answer, or will have none. */
  last: Promise<void>
}

/**
 * The connections of a server. What a client asks for on one of them is carried out one after the other, as the answers
 * are sent: Node would begin with all of it at once, and each answer would hold what it has read ahead.
 */
export class Connections {
  readonly #connections = new Map<Socket, Connection>()
  #closing = false

  /** Watches a server. */
  constructor(server: Server) {
    server.on('connection', (socket) => void this.#watch(socket))
  }

  /** Waits for the turn of a request; false if its client has gone, or the server takes no more. */
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
        // Node would keep the connection for a next request.
        if (this.#closing && request.complete) socket.destroySoon()
      })
    })
    await before
    return !socket.destroyed && !this.#closing
  }

  /** Ends those on which nothing goes on now, and the others when they have their answer. */
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
      // An answer whose turn has not come does not notice.
      for (const resolve of connection.unanswered) resolve()
    })
    return connection
  }
}
