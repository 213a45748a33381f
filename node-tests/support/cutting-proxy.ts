import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Which connection to cut off, and when. */
export interface Cut {
  /** At how many pieces of data, in both directions together. */
  readonly step: number
  /** Whether that piece still arrives. */
  readonly arrives: boolean
}

/** A proxy in front of a server on 127.0.0.1, which passes each piece of data on, and can cut connections off. */
export class CuttingProxy {
  /** What to cut off next: once. */
  cut: Cut | undefined
  /** Whether nothing passes any more, although connections stay open. */
  isSilent = false
  /** Number of pieces of data that came. */
  steps = 0
  /** Number of pieces of data that clients have sent, which is the number of round trips if they wait for answers. */
  sent = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on a free port. */
  static async listen(targetPort: number): Promise<CuttingProxy> {
    const server = createServer({ noDelay: true })
    const proxy = new CuttingProxy(server)
    server.on('connection', (client) => proxy.#join(client, connect(targetPort, '127.0.0.1')))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  /** Its port. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends all connections, and stops listening. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket, target: Socket): void {
    target.setNoDelay(true)
    this.#pass(client, target, true)
    this.#pass(target, client, false)
  }

  #pass(from: Socket, to: Socket, isFromClient: boolean): void {
    this.#sockets.add(from)
    from.on('data', (data) => {
      this.steps++
      if (isFromClient) this.sent++
      if (this.isSilent) return
      if (this.cut && this.steps >= this.cut.step) {
        const { arrives } = this.cut
        this.cut = undefined
        if (arrives) to.end(data)
        else to.destroy()
        from.destroy()
      } else {
        to.write(data)
      }
    })
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      if (!to.writableEnded) to.destroy()
    })
  }
}
