import { describeValue } from '../../bytes/describe-value.ts'
import { checkInteger } from '../../bytes/check-integer.ts'
import { checkAlias } from '../../hive/alias.ts'
import { IntegrityError, type NotFoundError } from '../../errors.ts'
import type { Hive } from '../../hive/hive.ts'
import { type Answer, begin, type BegunAnswer, problemAnswer, toResponse } from './answer.ts'
import { hasConditions } from './conditions.ts'
import { allowsOrigin, checkCors, isAskedFor, type Cors, corsHeaders, preflightHeaders } from './cors.ts'
import { isRecord } from '../protocol/format.ts'
import { listEntries, MAX_LIST_ENTRIES } from './list-entries.ts'
import { problemOf, StatusError } from '../protocol/problem.ts'
import { type EntryAddress, readEntry, readSignature } from './read-entry.ts'
import { Exchange, type Operation, type Transfer } from './exchange.ts'
import { patchEntry, putEntry, removeEntry } from './write-entry.ts'

/** What a request is about to do, for {@linkcode HiveHandlerOptions.authorize}. */
export interface Access {
  /** What the request asks for. */
  readonly operation: Operation
  /** Name of the entry; undefined for a list. */
  readonly alias: string | undefined
}

/** Bounds of what one request may ask of the server. */
export interface HiveHandlerLimits {
  /**
   * Largest body of a request, in bytes: of an entry, or of a delta. What a delta makes may be larger; the hive bounds
   * that (`maxEntrySize` of a `LocalHive`).
   * @default Infinity
   */
  uploadBytes?: number | undefined
  /**
   * Longest alias, in bytes of UTF-8.
   * @default 1023
   */
  aliasBytes?: number | undefined
  /**
   * Largest number of entries in the answer to one list request, 1 to 1,000.
   * @default 1000
   */
  listEntries?: number | undefined
  /**
   * Longest time without a byte of a request's body, in milliseconds; then the answer is 408. A delta may bring nothing
   * for as long as its maker finds only what is known. A body may take as long as it likes while it brings something.
   * @default 600_000
   */
  silenceMs?: number | undefined
}

/** Options of {@linkcode createHiveHandler}. */
export interface HiveHandlerOptions {
  /**
   * Path of the hive on its server; begins and ends with a slash.
   * @default '/'
   */
  base?: string | undefined
  /**
   * Decides about each request but preflights: `true` lets it pass, a Response (a 401 with its challenge) is the answer
   * as it is, and everything else refuses it with 403.
   * @default every request passes
   */
  authorize?: ((request: Request, access: Access) => boolean | Response | Promise<boolean | Response>) | undefined
  /**
   * Pages of which other origins may use the hive. Behind a proxy that ends TLS, the public origin belongs here too.
   * @default none
   */
  cors?: Cors | undefined
  /**
   * The values that a Host header may have, as `URL.host` writes them, so with the port if it is not the scheme's own.
   * Others are refused, reads too: it keeps a page out that has rebound its own name to this server's address.
   * @default any
   */
  hosts?: readonly string[] | undefined
  /** Bounds of what one request may ask. */
  limits?: HiveHandlerLimits | undefined
  /**
   * Called once for each exchange, when it has ended: the bytes as this server counted them. A fault of the program,
   * for which the promise of the handler rejects, ends it too, with status 500.
   */
  onTransfer?: ((transfer: Transfer) => void) | undefined
  /**
   * Called for each failure of the hive that a client was told of as a 5xx, or by an answer that breaks off, and for each
   * damaged entry that is listed, replaced or removed.
   */
  onError?: ((error: unknown, request: Request) => void) | undefined
}

interface Settings extends HiveHandlerOptions {
  readonly hive: Hive
  readonly base: string
  readonly uploadBytes: number
  readonly aliasBytes: number
  readonly listEntries: number
  readonly silenceMs: number
  beginBody(answer: Answer, request: Request): BegunAnswer | Promise<BegunAnswer>
}

/** Ten minutes. */
const SILENCE_MS = 600_000

/** Aliases cannot be longer in any hive. */
const MAX_ALIAS_BYTES = 1023

/**
 * Makes the server side of a hive, for any server that takes a fetch-style handler: the protocol is in docs/http.md.
 * Everything is streamed; an answer is of the version that it began with, wholly, or it breaks off.
 *
 * The promise rejects only for a fault of the program: every error of this package is answered as
 * `application/problem+json` (RFC 9457), from which `HttpHive` makes the same error again.
 *
 * @throws {TypeError} if an option is of a wrong type.
 * @throws {RangeError} if a limit is out of range.
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { createHiveHandler, HttpHive } from 'combstream/http'
 * import { memoryBackend } from 'combstream/backends/memory'
 *
 * const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())))
 * // Deno.serve(handler), Bun.serve({ fetch: handler }), export default { fetch: handler } … or right here:
 * const hive = new HttpHive('http://localhost/', { fetch: (url, init) => handler(new Request(url, init)) })
 * await new Blob(['buzz']).stream().pipeTo(hive.sink('bee.txt'))
 * console.log((await hive.stat('bee.txt')).size) // 4
 * ```
 */
export function createHiveHandler(
  hive: Hive,
  options: HiveHandlerOptions = {},
): (request: Request) => Promise<Response> {
  return hiveHandler(hive, options, (answer, request) => begin(answer, request.signal))
}

/** The handler; `beginBody` begins the body of an answer, before its head is sent. */
export function hiveHandler(
  hive: Hive,
  options: HiveHandlerOptions,
  beginBody: (answer: Answer, request: Request) => BegunAnswer | Promise<BegunAnswer>,
): (request: Request) => Promise<Response> {
  const settings = { ...checkSettings(hive, options), beginBody }
  return async (request) => {
    const onError = (error: unknown): void => options.onError?.(error, request)
    const exchange = new Exchange(options.onTransfer, onError)
    try {
      // Before there is an answer, whose entry a `cors` that throws would leave open.
      const shared = corsHeaders(request, settings.cors)
      const answer = await respond(request, settings, exchange).catch((error: unknown) => {
        const failure = failureAnswer(request, error)
        if (failure.status >= 500 && !isRefusal(error)) onError(error)
        return failure
      })
      if (!isResponse(answer)) {
        return toResponse(request, { ...answer, headers: { ...shared, ...answer.headers } }, exchange, onError)
      }
      const headers = new Headers(answer.headers)
      for (const [name, value] of Object.entries(shared)) {
        if (name === 'Vary') headers.append(name, value)
        else if (!headers.has(name)) headers.set(name, value)
      }
      exchange.endWith(answer.status, 0)
      return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers })
    } catch (error) {
      exchange.endWith(500, 0)
      throw error
    }
  }
}

async function respond(request: Request, settings: Settings, exchange: Exchange): Promise<BegunAnswer | Response> {
  const { hosts, cors, authorize } = settings
  const url = new URL(request.url)
  refuseUnclear(request.headers)
  if (hosts && !hosts.includes(url.host)) throw new StatusError(421, `this server is not ${url.host}`)

  const target = resolveTarget(url, settings)
  exchange.alias = target.alias
  const allow = Object.keys(target.methods).join(', ') + ', OPTIONS'
  if (request.method === 'OPTIONS') {
    exchange.operation = 'options'
    return { status: 204, headers: { Allow: allow, ...preflightHeaders(request, cors) } }
  }
  const method = Object.hasOwn(target.methods, request.method) ? target.methods[request.method] : undefined
  if (!method) throw new StatusError(405, `${request.method} is not for this resource`, { Allow: allow })
  exchange.operation = method.operation
  if (method.writes && !allowsOrigin(request, cors)) {
    throw new StatusError(403, `pages of ${request.headers.get('origin')} may not write here`)
  }
  if (request.headers.get('service-worker') === 'script') {
    throw new StatusError(403, 'an entry is no service worker: it would control the pages of the hive')
  }
  if (method.computes && !isAskedFor(request, cors)) {
    throw new StatusError(403, 'pages of other sites may not make this server compute')
  }
  const access: Access = { operation: method.operation, alias: target.alias }
  // Only what is meant as a yes is one: a function that forgets to return must not let everybody in.
  const granted: unknown = authorize ? await authorize(request, access) : true
  if (granted === true) return settings.beginBody(await method.answer(request, exchange), request)
  if (isResponse(granted)) return granted
  throw new StatusError(403, 'not allowed')
}

/** Refuses a request of which nobody can say what it means. */
function refuseUnclear(headers: Headers): void {
  // Two Host lines come as one (RFC 9112, section 3.2).
  if (headers.get('host')?.includes(',')) throw new StatusError(400, 'the request has more than one Host')
  // Servers undo `chunked`, and pass a body that has another coding within on as it is (RFC 9112, section 6.1).
  const coding = headers.get('transfer-encoding')?.trim().toLowerCase() ?? 'chunked'
  if (coding !== 'chunked') throw new StatusError(501, `the transfer coding ${coding} is not known here`)
}

/** Told by its shape, since a Response may be of another realm, or of a package. */
function isResponse(value: unknown): value is Response {
  if (!isRecord(value)) return false
  const { status, headers } = value
  const sendable = typeof status === 'number' && status >= 200 && status <= 599
  return sendable && isRecord(headers) && typeof headers['get'] === 'function'
}

interface Method {
  readonly operation: Operation
  readonly writes?: boolean
  /** Whether an answer costs the server more than its bytes. */
  readonly computes?: boolean
  answer(request: Request, exchange: Exchange): Promise<Answer>
}

interface Target {
  readonly alias: string | undefined
  readonly methods: Readonly<Record<string, Method>>
}

/** What a URL stands for, and what can be done with it. */
function resolveTarget(url: URL, settings: Settings): Target {
  const { hive, base, listEntries: maxEntries, uploadBytes: maxBytes, silenceMs } = settings
  const alias = aliasOf(url, base, settings.aliasBytes)
  if (alias === '') {
    const list: Method = {
      operation: 'list',
      answer: (request, exchange) => listEntries(request, hive, maxEntries, exchange),
    }
    return { alias: undefined, methods: { GET: list, HEAD: list } }
  }

  const address: EntryAddress = { alias, version: url.searchParams.get('v') ?? undefined }
  if (url.searchParams.has('signature')) {
    const signature: Method = { operation: 'signature', answer: (request) => readSignature(request, hive, address) }
    return { alias, methods: { GET: { ...signature, computes: true }, HEAD: signature } }
  }
  const read = (request: Request): Promise<Answer> => readEntry(request, hive, address)
  const reading: Target['methods'] = {
    GET: { operation: 'read', answer: read },
    HEAD: { operation: 'head', answer: read },
  }
  // One version is immutable.
  if (address.version !== undefined) return { alias, methods: reading }
  const writing = (operation: Operation, carryOut: typeof putEntry): Method => ({
    operation,
    writes: true,
    answer: (request, exchange) => carryOut({ request, hive, alias, exchange, maxBytes, silenceMs }),
  })
  return {
    alias,
    methods: {
      ...reading,
      PUT: writing('put', putEntry),
      PATCH: writing('patch', patchEntry),
      DELETE: writing('remove', removeEntry),
    },
  }
}

/** The alias that a path stands for; empty for the hive itself. */
function aliasOf(url: URL, base: string, maxBytes: number): string {
  if (!url.pathname.startsWith(base)) throw new StatusError(404, 'there is no hive at this path')
  let alias: string
  try {
    alias = decodeURIComponent(url.pathname.slice(base.length))
  } catch (error) {
    throw new StatusError(400, new TypeError('the path is no percent-encoded UTF-8', { cause: error }))
  }
  if (alias === '') return alias
  if (alias.startsWith('-/')) throw new StatusError(404, 'there is no such resource')
  try {
    const { byteLength } = checkAlias(alias)
    if (byteLength > maxBytes) throw new TypeError(`an alias must be at most ${maxBytes} bytes of UTF-8 here`)
  } catch (error) {
    throw new StatusError(400, error as TypeError)
  }
  return alias
}

function failureAnswer(request: Request, error: unknown): BegunAnswer {
  const unasked = !hasConditions(request.headers) && !new URL(request.url).searchParams.has('v')
  const conflict = (error as Error | undefined)?.name === 'ConflictError'
  const failure = problemOf(conflict && unasked ? new StatusError(409, error as Error) : (damageOf(error) ?? error))
  if (failure) return problemAnswer(failure.problem, failure.headers)
  throw error
}

/** Whether the handler itself refuses a request: nothing has failed. */
function isRefusal(error: unknown): boolean {
  return isRecord(error) && error['name'] === 'StatusError' && (error as unknown as StatusError).error === undefined
}

/** What says that a stored stream is not there, and not that of an entry, is no news for who asked for an entry. */
function damageOf(error: unknown): IntegrityError | undefined {
  const { name, message, alias, streamId, blockIndex } = isRecord(error) ? (error as Partial<NotFoundError>) : {}
  if (name !== 'NotFoundError' || streamId === undefined || alias !== undefined) return undefined
  return new IntegrityError(message!, { streamId, blockIndex, cause: error })
}

function checkSettings(hive: Hive, options: HiveHandlerOptions): Omit<Settings, 'beginBody'> {
  const { base = '/', limits = {} } = options
  if (typeof hive?.open !== 'function') throw new TypeError(`hive must be a Hive, got ${typeof hive}`)
  if (typeof base !== 'string' || !base.startsWith('/') || !base.endsWith('/')) {
    throw new TypeError(`base must be a path that begins and ends with a slash, got ${describeValue(base)}`)
  }
  const { hosts, authorize, onTransfer, onError } = options
  checkCors(options.cors)
  // In a text, `includes` would find every part of it.
  if (hosts !== undefined && !(Array.isArray(hosts) && hosts.every((host) => typeof host === 'string'))) {
    throw new TypeError(`hosts must be an array of strings, got ${typeof hosts}`)
  }
  for (const [name, value] of Object.entries({ authorize, onTransfer, onError })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`${name} must be a function, got ${typeof value}`)
    }
  }
  const { uploadBytes = Infinity, aliasBytes = MAX_ALIAS_BYTES, listEntries: entries = MAX_LIST_ENTRIES } = limits
  const { silenceMs = SILENCE_MS } = limits
  checkInteger('limits.uploadBytes', uploadBytes, 0, Infinity)
  checkInteger('limits.aliasBytes', aliasBytes, 1, MAX_ALIAS_BYTES)
  checkInteger('limits.listEntries', entries, 1, MAX_LIST_ENTRIES)
  checkInteger('limits.silenceMs', silenceMs, 1, Infinity)
  return { ...options, hive, base, uploadBytes, aliasBytes, listEntries: entries, silenceMs }
}
