import { IntegrityError, type NotFoundError } from '../../errors.ts'
import type { Entry, Hive } from '../../hive/hive.ts'
import { isRecord } from '../protocol/is-record.ts'
import { problemOf } from './problem-of.ts'
import { StatusError } from './status-error.ts'
import { type Answer, begin, type BegunAnswer, type MakeResponse, problemAnswer, toResponse } from './answer.ts'
import { hasConditions } from '../../representation/conditions.ts'
import { allowsOrigin, corsHeaders, isAskedFor, preflightHeaders } from './cors.ts'
import { RequestLog } from './request-log.ts'
import { type Access, checkHandlerOptions, type HandlerSettings, type HiveHandlerOptions } from './handler-options.ts'
import { readDestination, readTarget } from './resource.ts'
import { type Route, ROUTES } from './routes.ts'
import { Watchers } from './watchers.ts'

/** What depends on the server that a handler is made for. */
export interface ServerTraits {
  /** Begins the body of an answer before its head is sent. */
  beginBody(answer: Answer, request: Request): BegunAnswer | Promise<BegunAnswer>
  /** Says which requests may be answered with a Blob of an engine's own storage; none of them if it is absent. */
  takesBlob?(request: Request): boolean
  /** Makes the Response of an answer of the handler; by default, that of the host. */
  readonly makeResponse?: MakeResponse
}

interface Settings extends HandlerSettings, ServerTraits {
  readonly hive: Hive
  readonly watchers: Watchers
}

/**
 * Makes the server side of a hive, for any server that takes a fetch-style handler. The protocol is in docs/http.md.
 * Everything is streamed. An answer is of one version from beginning to end, or it breaks off.
 *
 * The promise rejects only for a fault of the program. Every error of this package is answered as
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
  const handle = hiveHandler(hive, options, { beginBody: (answer, request) => begin(answer, request.signal) })
  // Servers pass more arguments.
  return (request) => handle(request)
}

/**
 * Makes the handler for a certain server. If it is given the etag of a version, it answers as if the URL had it (`?v=`), unless
 * it has another. It may also be given an entry that is open at the version which the URL names, and holds nothing before it is
 * read.
 */
export function hiveHandler(
  hive: Hive,
  options: HiveHandlerOptions,
  traits: ServerTraits,
): (request: Request, pin?: string, named?: Entry) => Promise<Response> {
  if (typeof hive?.open !== 'function') throw new TypeError(`hive must be a Hive, got ${typeof hive}`)
  const checked = checkHandlerOptions(options)
  const watchers = new Watchers({ hive, most: checked.limits.watchers, stopping: options.stopping })
  const settings: Settings = { ...checked, ...traits, hive, watchers }
  return async (request, pin, named) => {
    const onError = (error: unknown): void => options.onError?.(error, request)
    const log = new RequestLog(options.onTransfer, onError)
    try {
      // Evaluated first: if `cors` throws, no entry is open yet.
      const shared = corsHeaders(request, settings.cors)
      const answer = await respond(request, { pin, named }, settings, log).catch((error: unknown) => {
        const failure = failureAnswer(request, error)
        if (failure.status >= 500 && !isRefusal(error)) onError(error)
        return failure
      })
      if (!isResponse(answer)) {
        const whole = { ...answer, headers: { ...shared, ...answer.headers } }
        return toResponse(request, whole, log, onError, traits.makeResponse)
      }
      const headers = new Headers(answer.headers)
      for (const [name, value] of Object.entries(shared)) {
        if (name === 'Vary') headers.append(name, value)
        else if (!headers.has(name)) headers.set(name, value)
      }
      log.endWith(answer.status, 0)
      return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers })
    } catch (error) {
      log.endWith(500, 0)
      throw error
    }
  }
}

async function respond(
  request: Request,
  { pin, named }: { readonly pin: string | undefined; readonly named: Entry | undefined },
  settings: Settings,
  log: RequestLog,
): Promise<BegunAnswer | Response> {
  const { hosts, cors, authorize, base, hive, limits, watchers } = settings
  const url = new URL(request.url)
  refuseUnclear(request.headers)
  if (hosts && !hosts.includes(url.host)) throw new StatusError(421, `this server is not ${url.host}`)

  const { resource, alias, prefix, version = pin } = readTarget(url, base, limits.aliasBytes)
  log.alias = alias || undefined
  const routes = ROUTES[resource]
  const allow = Object.keys(routes).join(', ') + ', OPTIONS'
  if (request.method === 'OPTIONS') {
    log.operation = 'options'
    return { status: 204, headers: { Allow: allow, ...preflightHeaders(request, cors) } }
  }
  const route = Object.hasOwn(routes, request.method) ? routes[request.method] : undefined
  if (!route) throw new StatusError(405, `this resource does not have the method ${request.method}`, { Allow: allow })
  log.operation = route.operation
  if (route.action !== 'read' && !allowsOrigin(request, cors)) {
    throw new StatusError(403, `pages of ${request.headers.get('origin')} may not write here`)
  }
  if (request.headers.get('service-worker') === 'script') {
    throw new StatusError(403, 'an entry cannot be a service worker: it would control the pages of the hive')
  }
  if (route.computes && !isAskedFor(request, cors)) {
    throw new StatusError(403, 'pages of other sites may not make this server compute')
  }
  const destination = route.moves ? readDestination(request, base, limits.aliasBytes) : ''
  for (const access of accessesOf(route, { alias, prefix, destination })) {
    // Only `true` lets a request pass: a function that forgets to return must not let everybody in.
    const granted: unknown = authorize ? await authorize(request, access) : true
    if (granted === true) continue
    if (isResponse(granted)) return granted
    throw new StatusError(403, 'not allowed')
  }
  const takesBlob = settings.takesBlob?.(request) ?? false
  const asked = { request, hive, alias, destination, prefix, version, named, takesBlob, limits, watchers, log }
  const answer = await route.answer(asked)
  return settings.beginBody(answer, request)
}

/** What a request is about to do: a rename lets its sender read the entry, too, if the new name is one that it may read. */
function accessesOf(
  { operation, action, moves }: Route,
  { alias, prefix, destination }: { alias: string; prefix: string; destination: string },
): readonly Access[] {
  if (alias === '') return [{ operation, action, prefix }]
  const first: Access = { operation, action, alias }
  if (!moves) return [first]
  return [first, { operation, action: 'read', alias }, { operation, action: 'write', alias: destination }]
}

/** Refuses a request that can be read in two ways. */
function refuseUnclear(headers: Headers): void {
  // Two Host lines arrive as one (RFC 9112, section 3.2).
  if (headers.get('host')?.includes(',')) throw new StatusError(400, 'the request has more than one Host')
  // Servers undo `chunked`, and pass on a body with another coding inside as it is (RFC 9112, section 6.1).
  const coding = headers.get('transfer-encoding')?.trim().toLowerCase() ?? 'chunked'
  if (coding !== 'chunked') throw new StatusError(501, `the transfer coding ${coding} is not supported`)
}

/** Recognized by its shape, since a Response may come from another realm or from a package. */
function isResponse(value: unknown): value is Response {
  if (!isRecord(value)) return false
  const { status, headers } = value
  const sendable = typeof status === 'number' && status >= 200 && status <= 599
  return sendable && isRecord(headers) && typeof headers['get'] === 'function'
}

function failureAnswer(request: Request, error: unknown): BegunAnswer {
  const unasked = !hasConditions(request.headers) && !new URL(request.url).searchParams.has('v')
  const conflict = (error as Error | undefined)?.name === 'ConflictError'
  const failure = problemOf(conflict && unasked ? new StatusError(409, error as Error) : (damageOf(error) ?? error))
  if (failure) return problemAnswer(failure.problem, failure.headers)
  throw error
}

/** Whether the handler itself refuses the request, and nothing has failed. */
function isRefusal(error: unknown): boolean {
  return isRecord(error) && error['name'] === 'StatusError' && (error as unknown as StatusError).error === undefined
}

/** An entry whose stored stream is missing is damaged: the client did not ask for a stream, so this is not its 404. */
function damageOf(error: unknown): IntegrityError | undefined {
  const { name, message, alias, streamId, blockIndex } = isRecord(error) ? (error as Partial<NotFoundError>) : {}
  if (name !== 'NotFoundError' || streamId === undefined || alias !== undefined) return undefined
  return new IntegrityError(message!, { streamId, blockIndex, cause: error })
}
