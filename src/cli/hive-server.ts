import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server as NodeServer, ServerResponse } from 'node:http'
import { serve } from 'srvx/node'
import type { Hive } from '../hive/hive.ts'
import { createHiveHandler } from '../http/server/handler.ts'
import type { Transfer } from '../http/server/transfer.ts'
import { Connections } from './connections.ts'
import { errorLine } from './error-line.ts'
import { OpenRequests } from './open-requests.ts'
import { continueWhenRead } from './expect-continue.ts'
import { printLine, writeError } from './print-line.ts'
import { printable } from './printable.ts'

/** Options of {@linkcode startHiveServer}. */
export interface HiveServerOptions {
  /** Address to listen at. */
  readonly host: string
  /** Port to listen at; 0: any. */
  readonly port: number
  /** What clients must know, if not everybody may come in. */
  readonly token: string | undefined
  /** Further values that a Host header may have. */
  readonly allowHost: readonly string[]
  /** Origins whose pages may use the hive. */
  readonly allowOrigin: readonly string[]
  /** Whether to print a line for every request. */
  readonly log: boolean
  /** How long requests may go on after the server has been told to end, in milliseconds. */
  readonly graceMs: number
  /**
   * How long the head of a request may take, from the connection or the last answer on, in milliseconds.
   * @default 50_000
   */
  readonly headMs?: number | undefined
  /**
   * How long the body of a request may bring nothing, in milliseconds.
   * @default 600_000
   */
  readonly silenceMs?: number | undefined
}

/** A hive behind a port of this machine. */
export interface HiveServer {
  /** Root of the hive. */
  readonly url: string
  /** Takes no more requests, lets those that there are go on for the time of grace, and then cuts them off. */
  close(): Promise<void>
}

/** With the time between two looks of Node, heads are there within a minute. */
const HEAD_MS = 50_000

/** How long requests that were cut off may take to clean up. */
const CLEANUP_MS = 2_000

/** Puts a hive behind a port of this machine. */
export async function startHiveServer(hive: Hive, options: HiveServerOptions): Promise<HiveServer> {
  const { host, port, token, allowHost, allowOrigin, log, graceMs, headMs = HEAD_MS, silenceMs } = options
  const openRequests = new OpenRequests()
  let handler: ReturnType<typeof createHiveHandler> | undefined
  const server = serve({
    hostname: host,
    port,
    silent: true,
    // Ours: the package's own lets open downloads hold the process.
    gracefulShutdown: false,
    node: {
      // A large upload over a slow line takes longer than the five minutes that Node allows; the handler sees to bodies
      // that fall silent. Without this, Node would not bound the time for heads either.
      requestTimeout: 0,
      headersTimeout: headMs,
      connectionsCheckingInterval: headMs / 10,
    },
    async fetch(request) {
      const { req, res } = request.runtime!.node!
      if (!(await connections.turn(req as IncomingMessage, res as ServerResponse))) {
        return new Response(null, { status: 503 })
      }
      // The port may be known only now.
      handler ??= createHiveHandler(hive, {
        hosts: token === undefined ? [...ownHosts(server.url!), ...allowHost] : undefined,
        authorize: token === undefined ? undefined : bearer(token),
        cors: allowOrigin.length > 0 ? allowOrigin : undefined,
        limits: { silenceMs },
        onTransfer(transfer) {
          openRequests.end()
          if (log) writeError(`${printable(transferLine(transfer))}\n`)
        },
        onError: (error) => printLine(errorLine(error)),
      })
      openRequests.begin()
      const response = await handler(request)
      // Whoever fell silent within a body cannot send another request (RFC 9110, section 15.5.9).
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
      connections.close()
      // A request has ended for the hive before its last bytes are on their way: only the connections tell.
      await settledWithin(closed, graceMs)
      nodeServer.closeAllConnections()
      await closed
      await settledWithin(openRequests.ended(), CLEANUP_MS)
    },
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
 * The names that this machine has for a port of its own. A page whose owner points another name at it must not get in:
 * to the browser, the hive would be of the page's own origin.
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
    // Compared as digests, in the same time whatever the token is.
    if (timingSafeEqual(digest(given), expected)) return true
    return new Response(null, { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="hive"' } })
  }
}

function transferLine({ operation, alias, status, received, sent }: Transfer): string {
  // Without its spaces an alias is one field of the line.
  const name = alias === undefined ? '-' : encodeURI(alias)
  return `${new Date().toISOString()} ${status} ${operation ?? '-'} ${name} received=${received} sent=${sent}`
}
