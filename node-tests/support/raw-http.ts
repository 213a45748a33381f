import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** An answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number
  /** Header fields by their names in lower case; fields that were sent more than once are joined with a comma. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Uint8Array<ArrayBuffer>
}

/** Longest time for one answer; only a server that hangs needs it. */
const TIMEOUT_MS = 20_000

/**
 * Sends requests over a socket as they are written, and reads the answers by RFC 9112 alone, so that nothing between the
 * test and the server corrects either of them. It keeps the connection as long as the server does.
 */
export class RawHttp {
  readonly #port: number
  #socket: Socket | undefined
  #heard: Buffer<ArrayBuffer> = Buffer.alloc(0)
  #isClosed = false
  #wake: () => void = () => undefined

  /** @param port Port on 127.0.0.1. */
  constructor(port: number) {
    this.#port = port
  }

  /** Sends a request without a body; a Host field is added. */
  async send(method: string, path: string, fields: readonly (readonly [string, string])[]): Promise<RawAnswer> {
    const lines = [
      `${method} ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${this.#port}`,
      ...fields.map((field) => field.join(': ')),
    ]
    // A server may close a connection that it has kept, just when the next request is sent.
    const isKept = this.#socket !== undefined && !this.#isClosed
    try {
      return await this.#exchange(method, lines)
    } catch (error) {
      if (!isKept) throw error
      this.close()
      return this.#exchange(method, lines)
    }
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #exchange(method: string, lines: readonly string[]): Promise<RawAnswer> {
    if (!this.#socket || this.#isClosed) await this.#open()
    this.#socket!.write(Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'))
    const head = (await this.#until('\r\n\r\n')).toString('latin1').split('\r\n')
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head[0]!) ?? []
    if (status === undefined) throw new Error(`not an answer: ${head[0]}`)
    const fields = new Map<string, string>()
    for (const line of head.slice(1)) {
      const [, name, value] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
      if (name === undefined || value === undefined) continue
      const key = name.toLowerCase()
      fields.set(key, fields.has(key) ? `${fields.get(key)}, ${value}` : value)
    }
    const body = await this.#body(method, Number(status), fields)
    if (fields.get('connection')?.toLowerCase() === 'close') this.close()
    return { status: Number(status), fields, body: new Uint8Array(body) }
  }

  /** RFC 9112, section 6.3. */
  async #body(method: string, status: number, fields: ReadonlyMap<string, string>): Promise<Uint8Array> {
    if (method === 'HEAD' || status === 304 || status === 204) return new Uint8Array(0)
    if (fields.get('transfer-encoding') === 'chunked') {
      const chunks: Buffer[] = []
      for (;;) {
        const byteLength = Number.parseInt((await this.#until('\r\n')).toString('latin1'), 16)
        chunks.push(await this.#take(byteLength))
        await this.#until('\r\n')
        if (byteLength === 0) return Buffer.concat(chunks)
      }
    }
    const length = fields.get('content-length')
    if (length !== undefined) return this.#take(Number(length))
    while (!this.#isClosed) await this.#more()
    return this.#take(this.#heard.byteLength)
  }

  async #open(): Promise<void> {
    const socket = connect(this.#port, '127.0.0.1')
    this.#socket = socket
    this.#heard = Buffer.alloc(0)
    this.#isClosed = false
    socket.on('data', (chunk: Buffer<ArrayBuffer>) => {
      this.#heard = Buffer.concat([this.#heard, chunk])
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (this.#socket === socket) this.#isClosed = true
      this.#wake()
    })
    socket.setNoDelay(true)
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy())
    await once(socket, 'connect')
  }

  async #until(end: string): Promise<Buffer> {
    for (;;) {
      const index = this.#heard.indexOf(end)
      if (index >= 0) return (await this.#take(index + end.length)).subarray(0, index)
      await this.#more()
    }
  }

  async #take(byteLength: number): Promise<Buffer> {
    while (this.#heard.byteLength < byteLength) await this.#more()
    const taken = this.#heard.subarray(0, byteLength)
    this.#heard = this.#heard.subarray(byteLength)
    return taken
  }

  async #more(): Promise<void> {
    if (this.#isClosed) throw new Error('the server closed the connection within an answer')
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }
}
