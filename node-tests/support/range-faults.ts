import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What happens to the answer to a range. After these, the same request may succeed. */
export const PASSING_FAULTS = [
  /** The connection is closed instead of an answer. */
  'drop',
  /** Nothing comes instead of an answer. */
  'silence',
  /** The connection breaks off in the middle of the body. */
  'cut',
  /** Nothing comes after the first part of the body. */
  'stall',
  /** The body ends in the middle, as if that were its end. */
  'truncate',
  /** The answer has fewer bytes than were requested, and says so. */
  'shorten',
  /** The answer is a 200 with the whole. */
  'whole',
  /** The answer is a 503 without Retry-After, or a 429 with it. */
  'busy',
  'limited',
] as const

/** What ends a read with an error. */
export const FINAL_FAULTS = [
  /** The answer is a 500. */
  'fail',
  /** The body comes twice. */
  'duplicate',
  /** The answer is of another version: with its etag, with none, or with another total. */
  'etag',
  'no etag',
  'total',
  /** The answer states, and has, the bytes of another place. */
  'elsewhere',
] as const

/** One bit is different. Only a digest shows that. */
export const FLIP = 'flip'

/** A fault in the answer to a range. */
export type RangeFault = (typeof PASSING_FAULTS)[number] | (typeof FINAL_FAULTS)[number] | typeof FLIP

/** Decides what happens to a request for a range; undefined lets it pass. */
export type FaultPlan = (request: {
  /** The header field `Run`, by which a server with several clients tells them apart. */
  readonly run: string
  /** The first byte that is requested. */
  readonly start: number
  /** Number of requests of this run for this first byte before. */
  readonly earlier: number
}) => RangeFault | undefined

const ANY_ETAG = '"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'

/** A server on 127.0.0.1 that passes requests to a handler, and spoils the answers to ranges as a plan says. */
export class RangeFaults {
  /** How often each fault happened. */
  readonly happened = new Map<RangeFault, number>()
  readonly #handler: (request: Request) => Promise<Response>
  readonly #plan: FaultPlan
  readonly #server: Server
  readonly #requests = new Map<string, number>()

  private constructor(handler: (request: Request) => Promise<Response>, plan: FaultPlan) {
    this.#handler = handler
    this.#plan = plan
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Listens on a free port. */
  static async listen(handler: (request: Request) => Promise<Response>, plan: FaultPlan): Promise<RangeFaults> {
    const faults = new RangeFaults(handler, plan)
    faults.#server.listen(0, '127.0.0.1')
    await once(faults.#server, 'listening')
    return faults
  }

  /** Root URL, with a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Ends all connections, and stops listening. */
  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url, headers } = request
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
    const fault = method === 'GET' && range ? this.#faultOf(String(headers['run']), Number(range[1])) : undefined
    const ask = async (changed: Record<string, string | undefined> = {}): Promise<Answer> => {
      const fields = new Headers()
      for (const [name, value] of Object.entries({ ...headers, ...changed })) {
        if (typeof value === 'string') fields.set(name, value)
      }
      const answer = await this.#handler(new Request(new URL(url!, this.url), { method, headers: fields }))
      const body = new Uint8Array(await answer.arrayBuffer())
      return { status: answer.status, fields: Object.fromEntries(answer.headers), body }
    }
    if (!fault) send(response, await ask(), method)
    else await spoil(fault, response, ask, [Number(range![1]), Number(range![2])])
  }

  #faultOf(run: string, start: number): RangeFault | undefined {
    const key = `${run} ${start}`
    const earlier = this.#requests.get(key) ?? 0
    this.#requests.set(key, earlier + 1)
    const fault = this.#plan({ run, start, earlier })
    if (fault) this.happened.set(fault, (this.happened.get(fault) ?? 0) + 1)
    return fault
  }
}

interface Answer {
  readonly status: number
  readonly fields: Record<string, string>
  readonly body: Uint8Array
}

function send(response: ServerResponse, { status, fields, body }: Answer, method = 'GET'): void {
  response.writeHead(status, fields)
  response.end(method === 'HEAD' ? undefined : body)
}

async function spoil(
  fault: RangeFault,
  response: ServerResponse,
  ask: (changed?: Record<string, string | undefined>) => Promise<Answer>,
  [first, last]: [number, number],
): Promise<void> {
  if (fault === 'drop') return void response.socket!.destroy()
  if (fault === 'silence') return
  if (fault === 'busy') return void response.writeHead(503).end('busy')
  if (fault === 'limited') return void response.writeHead(429, { 'Retry-After': '0' }).end()
  if (fault === 'fail') return void response.writeHead(500).end('failed')
  if (fault === 'whole') return send(response, await ask({ range: undefined }))
  if (fault === 'shorten') return send(response, await ask({ range: `bytes=${first}-${(first + last) >> 1}` }))
  if (fault === 'elsewhere') return send(response, await ask({ range: `bytes=${Math.max(0, first - 1)}-${last - 1}` }))

  const answer = await ask()
  const { status, fields, body } = answer
  const half = body.subarray(0, body.byteLength >> 1)
  const withoutLength = without(fields, 'content-length')
  // An answer of another version has other bytes, so that a mix of the two shows.
  const other = body.map((byte) => byte ^ 0xff)
  switch (fault) {
    case 'cut':
      response.writeHead(status, fields)
      response.write(half, () => response.socket?.destroy())
      return
    case 'stall':
      response.writeHead(status, fields)
      response.write(half)
      return
    case 'truncate':
      return send(response, { status, fields: withoutLength, body: half })
    case 'duplicate':
      response.writeHead(status, withoutLength)
      response.write(body)
      response.end(body)
      return
    case 'etag':
      return send(response, { status, fields: { ...fields, etag: ANY_ETAG }, body: other })
    case 'no etag':
      return send(response, { status, fields: without(fields, 'etag'), body: other })
    case 'total': {
      const contentRange = `bytes ${first}-${first + body.byteLength - 1}/999999`
      return send(response, { status, fields: { ...fields, 'content-range': contentRange }, body: other })
    }
    case 'flip':
      if (body.byteLength > 0) body[body.byteLength >> 1]! ^= 1
      return send(response, answer)
    default:
      throw new Error(`unknown fault ${fault satisfies never as string}`)
  }
}

function without(fields: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name))
}
