import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

/** What happens to a request on its way. */
export type ProxyFault =
  /** The connection is closed. The server gets nothing. */
  | 'refuse'
  /** The server does what it is asked. The connection is closed instead of an answer. */
  | 'lose'
  /** The server does what it is asked. The answer is a 500. */
  | 'fail'
  /** The answer is a 503, as an overloaded object store words it. The server gets nothing. */
  | 'overload'
  /** The connection is closed in the middle of the body of the answer. */
  | 'cut'
  /** Nothing comes after the first half of the body of the answer. */
  | 'stall'

/** A request that passes. */
export interface PassingRequest {
  readonly method: string
  readonly url: string
}

const SLOW_DOWN = '<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>'

/** A proxy between a client and an object store that loses, fails and delays requests as a plan says. */
export class FaultyProxy {
  /** The requests so far, with what happened to them. */
  readonly passed: (PassingRequest & { readonly fault: ProxyFault | undefined })[] = []
  /** Returns the fault of each request, or undefined for none. */
  plan: (request: PassingRequest) => ProxyFault | undefined = () => undefined
  readonly #target: URL
  readonly #server: Server

  constructor(target: string) {
    this.#target = new URL(target)
    this.#server = createServer((incoming, answer) => {
      this.#pass(incoming, answer).catch(() => answer.destroy())
    })
  }

  /** Listens on a free port, and returns the URL. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const passing = { method: incoming.method!, url: incoming.url! }
    const fault = this.plan(passing)
    this.passed.push({ ...passing, fault })
    if (fault === 'refuse') {
      answer.destroy()
      return
    }
    const body = await read(incoming)
    if (fault === 'overload') {
      answer.writeHead(503, { 'Content-Type': 'application/xml' }).end(SLOW_DOWN)
      return
    }
    // The signature covers the Host header.
    const outgoing = request(new URL(passing.url, this.#target), { method: passing.method, headers: incoming.headers })
    outgoing.end(body)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const bytes = await read(response)
    if (fault === 'lose') {
      answer.destroy()
    } else if (fault === 'fail') {
      answer.writeHead(500).end('<html><br>')
    } else if (fault === undefined) {
      answer.writeHead(response.statusCode!, headersOf(response, bytes)).end(bytes)
    } else {
      answer.writeHead(response.statusCode!, headersOf(response, bytes))
      answer.write(bytes.subarray(0, bytes.byteLength >> 1), () => {
        if (fault === 'cut') answer.destroy()
      })
    }
  }
}

function headersOf({ headers }: IncomingMessage, { byteLength }: Uint8Array): Record<string, string | string[]> {
  const { connection: _, 'transfer-encoding': __, ...rest } = headers
  return { ...(rest as Record<string, string>), 'content-length': String(byteLength) }
}

async function read(message: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}
