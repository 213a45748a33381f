import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server as NodeServer, ServerResponse } from 'node:http'
import { FastResponse, serve } from 'srvx/node'
import { markHandled } from '../bytes/promises.ts'
import type { Hive } from '../hive/hive.ts'
import { beginWhole, type MakeResponse } from '../http/server/answer.ts'
import { hiveHandler } from '../http/server/handler.ts'
import type { Transfer } from '../http/server/transfer.ts'
import { Connections } from './connections.ts'
import { errorLine } from './error-line.ts'
import { OpenRequests } from './open-requests.ts'
import { continueWhenRead } from './expect-continue.ts'
import { printLine, writeError } from './print-line.ts'
import { printable } from './printable.ts'
import { SendBuffers, sendBody } from './send-body.ts'

/** Options of {@linkcode startHiveServer}. */
export interface HiveServerOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port to listen on; 0: any free port. */
  readonly port: number
  /** Token that clients must send; without it, everybody has access. */
  readonly token: string | undefined
  /** Additional values to accept in the Host header. */
  readonly allowHost: readonly string[]
  /** Origins whose pages may use the hive. */
  readonly allowOrigin: readonly string[]
  /** Whether to print a line for each request. */
  readonly log: boolean
  /** How long requests may continue after the server has been told to stop, in milliseconds. */
  readonly graceMs: number
  /**
   * How long the head of a request may take, counted from the connection or the last answer, in milliseconds.
   * @default 50_000
   */
  readonly headMs?: number | undefined
  /**
   * How long the body of a request may be silent, in milliseconds.
   * @default 600_000
   */
  readonly silenceMs?: number | undefined
}

/** A hive that is served on a port of this machine. */
export interface HiveServer {
  /** URL of the root of the hive. */
  readonly url: string
  /** Accepts no more requests, gives those in progress the grace period, and then cuts them off. */
  close(): Promise<void>
}

/** Together with the interval at which Node checks, this limits heads to one minute. */
const HEAD_MS = 50_000

const MAX_HEAD_BYTES = 64 * 1024

/** A stream of a body that is shorter than this is sent by srvx. */
const LARGE_BYTES = 256 * 1024

/** How long requests that were cut off have for their clean-up. */
const CLEANUP_MS = 2_000

/** Serves a hive on a port of this machine. */
export async function startHiveServer(hive: Hive, options: HiveServerOptions): Promise<HiveServer> {
  const { host, port, token, allowHost, allowOrigin, log, graceMs, headMs = HEAD_MS, silenceMs } = options
  const openRequests = new OpenRequests()
  const stopping = new AbortController()
  const buffers = new SendBuffers()
  let handler: ReturnType<typeof hiveHandler> | undefined
  const server = serve({
    hostname: host,
    port,
    silent: true,
    // We handle shutdown ourselves: with srvx's own, open downloads keep the process alive.
    gracefulShutdown: false,
    node: {
      // A large upload over a slow line takes longer than the five minutes that Node allows; the handler ends bodies that
      // fall silent. With a requestTimeout of 0, Node limits the time for heads only if headersTimeout is set too.
      requestTimeout: 0,
      headersTimeout: headMs,
      connectionsCheckingInterval: headMs / 10,
      // For a Range with a thousand ranges; Node allows 16 KiB.
      maxHeaderSize: MAX_HEAD_BYTES,
    },
    async fetch(request) {
      const { req, res } = request.runtime!.node!
      if (!(await connections.turn(req as IncomingMessage, res as ServerResponse))) {
        return new Response(null, { status: 503 })
      }
      // The port may not be known before.
      handler ??= hiveHandler(
        hive,
        {
          hosts: token === undefined ? [...ownHosts(server.url!), ...allowHost] : undefined,
          authorize: token === undefined ? undefined : bearer(token),
          cors: allowOrigin.length > 0 ? allowOrigin : undefined,
          limits: { silenceMs },
          stopping: stopping.signal,
          onTransfer(transfer) {
            openRequests.end()
            if (log) writeError(`${printable(transferLine(transfer))}\n`)
          },
          onError: (error) => printLine(errorLine(error)),
        },
        { beginBody: (answer, { signal }) => beginWhole(answer, signal), makeResponse: fastResponse(buffers) },
      )
      openRequests.begin()
      const response = await handler(request)
      // A client that fell silent within a body cannot send another request (RFC 9110, section 15.5.9).
      if (response.status === 408) response.headers.set('Connection', 'close')
      return response
    },
    error(error) {
      printLine(errorLine(error))
      return new Response(null, { status: 500 })
    },
  })
  const nodeServer = server.node!.server as NodeServer
  const connections = new Connections(nodeServer)
  continueWhenRead(nodeServer)
  await server.ready()

  return {
    url: server.url!,
    async close() {
      const closed = server.close()
      // Those who watch would use up the grace period.
      stopping.abort()
      connections.close()
      // The hive considers a request ended before its last bytes have been sent; only the connections tell when that is.
      await settledWithin(closed, graceMs)
      nodeServer.closeAllConnections()
      await closed
      await settledWithin(openRequests.ended(), CLEANUP_MS)
    },
  }
}

/** Makes Responses that srvx sends without streams of Node; the body of a large one is sent by `sendBody`. */
function fastResponse(buffers: SendBuffers): MakeResponse {
  return (body, head) => {
    const isLarge = body instanceof ReadableStream && Number(head.headers['Content-Length']) >= LARGE_BYTES
    if (!isLarge) return new FastResponse(body, head)
    // srvx calls these two functions of a body, as it does for the streams of React.
    const sender = {
      pipe: (to: ServerResponse) => void sendBody(body, to, buffers),
      destroy: () => markHandled(body.cancel()),
    }
    return new FastResponse(sender as unknown as BodyInit, head)
  }
}

async function settledWithin(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([promise, late])
  clearTimeout(timer)
}

/**
 * The names by which this machine addresses its own port. A page whose owner points another name at this machine must not
 * get access: to the browser, the hive would have the same origin as the page.
 */
function ownHosts(url: string): string[] {
  const { port, host } = new URL(url)
  const suffix = port === '' ? '' : `:${port}`
  return [host, ...['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}${suffix}`)]
}

function bearer(token: string): (request: Request) => true | Response {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = digest(token)
  return (request) => {
    const [, given = ''] = /^bearer +(.*)$/i.exec(request.headers.get('authorization') ?? '') ?? []
    // Digests are compared, so that the time does not depend on the token.
    if (timingSafeEqual(digest(given), expected)) return true
    return new Response(null, { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="hive"' } })
  }
}

function transferLine({ operation, alias, status, received, sent }: Transfer): string {
  // Without spaces, the alias is one field of the line.
  const name = alias === undefined ? '-' : encodeURI(alias)
  return `${new Date().toISOString()} ${status} ${operation ?? '-'} ${name} received=${received} sent=${sent}`
}
