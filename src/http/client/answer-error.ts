import { markHandled } from '../../bytes/promises.ts'
import { ERROR_KINDS, type Facts } from '../protocol/error-kinds.ts'
import { isRecord } from '../protocol/is-record.ts'
import { PROBLEM_TYPE } from '../protocol/media-types.ts'
import { PROBLEM_TYPE_PREFIX } from '../protocol/problem.ts'
import { type BodyReading, readBody } from './timed-body.ts'

const MAX_PROBLEM_BYTES = 64 * 1024
/** How much of a server's words goes into the message of an error. */
const MAX_DETAIL_CHARACTERS = 1000

/** What the client knows of the request that failed. */
export interface FailedRequest {
  /** Name of the entry. */
  readonly alias?: string | undefined
  /** Etag of the version that was asked for. */
  readonly expectedEtag?: string | undefined
  /** Offset in bytes up to which the version has been delivered. */
  readonly offset?: number | undefined
  /** Whether the request changes something. */
  readonly write?: boolean | undefined
}

/**
 * Makes the error that an answer describes. Reads or discards its body; rejects only with the reason of the signal.
 */
export async function errorOf(response: Response, request: FailedRequest, reading: BodyReading): Promise<Error> {
  const { status } = response
  const problem = await readProblem(response, reading)
  const name = problem?.type.startsWith(PROBLEM_TYPE_PREFIX)
    ? problem.type.slice(PROBLEM_TYPE_PREFIX.length)
    : nameOf(status)
  const kind = Object.hasOwn(ERROR_KINDS, name) ? ERROR_KINDS[name]! : ERROR_KINDS['BackendError']!
  const { alias, expectedEtag, offset, write } = request
  const said = (textIn(problem, 'detail') ?? textIn(problem, 'title'))?.slice(0, MAX_DETAIL_CHARACTERS)
  const told = `the server answered ${status} ${said ?? response.statusText}`.trimEnd()
  // The answer to a HEAD has no body that says more.
  const message =
    kind === ERROR_KINDS['BackendError'] || kind === ERROR_KINDS['AccessError']
      ? told
      : (said ?? `${kind.title}${alias === undefined ? '' : `: ${alias}`}`)
  const retryable = isRetryable(status)
  return kind.make(message, {
    retryable,
    // A gateway that gives up may have passed the request on.
    outcome: write && (status === 502 || status === 504) ? 'unknown' : undefined,
    reason: 'invalid',
    actualEtag: response.headers.get('etag') ?? undefined,
    ...problem,
    status,
    ...(alias === undefined ? {} : { alias }),
    ...(expectedEtag === undefined ? {} : { expectedEtag }),
    ...(offset === undefined ? {} : { offset }),
  })
}

/** What an answer says about a request that only reads. */
export interface RetryAdvice {
  /** Whether the same request may succeed later. */
  readonly mayPass: boolean
  /** The answer, its body unread. */
  readonly again: Response
}

/**
 * Whether the same request may succeed later. It may not if the status says so, or if the problem does: a gateway may
 * pass on the problem of a lost block with its own 502.
 */
export async function retryAdvice(response: Response, reading: BodyReading): Promise<RetryAdvice> {
  const { status, statusText, headers } = response
  if (!isRetryable(status)) return { mayPass: false, again: response }
  if (!isProblem(response)) return { mayPass: true, again: response }
  const bytes = await readBody(response, MAX_PROBLEM_BYTES, reading).catch(() => new Uint8Array(0))
  reading.signal.throwIfAborted()
  const problem = parseProblem(bytes)
  const isOurs = problem?.type.startsWith(PROBLEM_TYPE_PREFIX)
  const mayPass = !isOurs || (problem?.type === `${PROBLEM_TYPE_PREFIX}BackendError` && problem['retryable'] !== false)
  return { mayPass, again: new Response(bytes, { status, statusText, headers }) }
}

/** Whether a status says that the same request may succeed later. */
function isRetryable(status: number): boolean {
  return [408, 425, 429, 502, 503, 504].includes(status)
}

/** The error for a status that comes without a problem: an answer to HEAD, or one of a proxy. */
function nameOf(status: number): string {
  if (status === 401 || status === 403) return 'AccessError'
  if (status === 404 || status === 410) return 'NotFoundError'
  if (status === 409 || status === 412) return 'ConflictError'
  if (status === 413 || status === 507) return 'QuotaExceededError'
  if (status === 416) return 'RangeError'
  if (status === 400) return 'TypeError'
  if (status === 422) return 'FormatError'
  return 'BackendError'
}

/** A problem as it was received: only its type has been checked. */
type ReceivedProblem = { readonly type: string } & Facts

async function readProblem(response: Response, reading: BodyReading): Promise<ReceivedProblem | undefined> {
  if (!isProblem(response)) {
    markHandled(response.body?.cancel())
    return undefined
  }
  try {
    return parseProblem(await readBody(response, MAX_PROBLEM_BYTES, reading))
  } catch {
    reading.signal.throwIfAborted()
    // Cut off or too late: the status has already said what matters.
    return undefined
  }
}

function isProblem({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith(PROBLEM_TYPE) ?? false
}

/** The problem in these bytes; undefined if they are not one. */
function parseProblem(bytes: Uint8Array): ReceivedProblem | undefined {
  try {
    const problem: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return isRecord(problem) && typeof problem['type'] === 'string' ? (problem as ReceivedProblem) : undefined
  } catch {
    return undefined
  }
}

function textIn(problem: Facts | undefined, name: string): string | undefined {
  const value = problem?.[name]
  return typeof value === 'string' ? value : undefined
}
