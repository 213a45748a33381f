import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

/**
 * A proxy between browsers and a server. It lets bytes through up to a point, goes away, and comes back, only when a
 * test says so and never after a time.
 */
export class OutageProxy {
  /** The requests so far, such as `HEAD /hive/a.mp4`. */
  readonly requests: string[] = []
  readonly #target: URL
  readonly #server: Server
  /** Number of body bytes that have passed, by path. */
  readonly #passed = new Map<string, number>()
  #holdFrom: { readonly path: string; readonly byteLength: number } | undefined
  #release: () => void = () => undefined
  #released: Promise<void> = Promise.resolve()
  #isSilent = false
  #port = 0

  /** @param target root URL of the server. */
  constructor(target: string) {
    this.#target = new URL(target)
    this.#server = createServer((incoming, answer) => this.#pass(incoming, answer))
  }

  /** Root URL of the server, as browsers see it. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  /** Listens, always on the same port. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Lets only this many bytes of a path through, in all answers together. The rest waits. */
  hold(path: string, byteLength: number): void {
    this.#holdFrom = { path, byteLength }
    this.#released = new Promise((resolve) => (this.#release = resolve))
  }

  /** Goes away: breaks off every connection, and refuses new ones. */
  async goAway(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** Goes away like a network that loses everything: connections stay open, but nothing passes any more. */
  goSilent(): void {
    this.#isSilent = true
  }

  /** Comes back, and holds nothing. Requests that arrived during the silence never get an answer. */
  async comeBack(): Promise<void> {
    this.#holdFrom = undefined
    if (!this.#isSilent) this.#release()
    this.#isSilent = false
    if (!this.#server.listening) await this.listen()
  }

  /** Stops the proxy for good. */
  async close(): Promise<void> {
    if (this.#server.listening) await this.goAway()
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    if (this.#isSilent) return
    const { method, url = '/', headers } = incoming
    this.requests.push(`${method} ${url}`)
    const { host, origin } = this.#target
    // The server accepts changes only from pages of its own origin.
    const own = { ...headers, host, ...(headers.origin !== undefined && { origin }) }
    const outgoing = request(new URL(url, this.#target), { method, headers: own })
    outgoing.once('error', () => answer.destroy())
    outgoing.once('response', (response: IncomingMessage) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      this.#passBody(new URL(url, this.#target).pathname, response, answer).catch(() => answer.destroy())
    })
    answer.once('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }

  async #passBody(path: string, response: IncomingMessage, answer: ServerResponse): Promise<void> {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      const passed = this.#passed.get(path) ?? 0
      const { byteLength = Infinity } = this.#holdFrom?.path === path ? this.#holdFrom : {}
      const now = chunk.subarray(0, Math.max(0, byteLength - passed))
      this.#passed.set(path, passed + now.byteLength)
      if (now.byteLength > 0) answer.write(now)
      if (now.byteLength < chunk.byteLength) {
        await this.#released
        answer.write(chunk.subarray(now.byteLength))
      }
    }
    answer.end()
  }
}
