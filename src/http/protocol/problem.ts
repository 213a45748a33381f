import { markHandled } from '../../bytes/promises.ts'
import {
  AccessError,
  AlreadyExistsError,
  BackendError,
  ConflictError,
  FormatError,
  type FormatErrorReason,
  IntegrityError,
  NotFoundError,
  QuotaExceededError,
} from '../../errors.ts'
import { isRecord, PROBLEM_TYPE } from './format.ts'
import { type BodyReading, readBody } from './timed-body.ts'

/** An error as it crosses the network (RFC 9457): the facts of the error are members beside these. */
export interface Problem {
  /** `urn:combstream:error:` and the name of the error, or `about:blank`: then the status says it all. */
  readonly type: string
  /** What kind of problem it is; the same text for the same type. */
  readonly title: string
  /** Status code of the answer. */
  readonly status: number
  /** What is wrong in this case. */
  readonly detail?: string
  /** A fact of the error, under the name of its field. */
  readonly [fact: string]: unknown
}

const TYPE_PREFIX = 'urn:combstream:error:'
const MAX_PROBLEM_BYTES = 64 * 1024
/** Of the words of a server, what goes into the message of an error. */
const MAX_DETAIL_CHARACTERS = 1000

type Facts = Readonly<Record<string, unknown>>

interface ErrorKind {
  readonly title: string
  readonly status: number
  readonly facts: readonly string[]
  make(message: string, facts: Facts): Error
}

/** Every error that crosses the network, by its name. The facts come from outside: each is checked for its type. */
const KINDS: Readonly<Record<string, ErrorKind>> = {
  NotFoundError: {
    title: 'There is no such entry',
    status: 404,
    facts: ['alias', 'streamId', 'blockIndex'],
    make: (message, facts) =>
      new NotFoundError(message, {
        alias: text(facts['alias']),
        streamId: text(facts['streamId']),
        blockIndex: number(facts['blockIndex']),
        status: number(facts['status']),
      }),
  },
  ConflictError: {
    title: 'The entry has another version',
    status: 412,
    facts: ['alias', 'expectedEtag', 'actualEtag', 'offset'],
    make: (message, facts) =>
      new ConflictError(message, {
        alias: text(facts['alias']),
        expectedEtag: text(facts['expectedEtag']),
        actualEtag: text(facts['actualEtag']),
        offset: number(facts['offset']),
        status: number(facts['status']),
      }),
  },
  AlreadyExistsError: {
    title: 'The entry exists',
    status: 412,
    facts: ['alias', 'actualEtag'],
    make: (message, facts) =>
      new AlreadyExistsError(message, {
        alias: text(facts['alias']),
        actualEtag: text(facts['actualEtag']),
        status: number(facts['status']),
      }),
  },
  AccessError: {
    title: 'The server does not allow it',
    status: 403,
    facts: ['alias'],
    make: (message, facts) =>
      new AccessError(message, { alias: text(facts['alias']), status: number(facts['status']) }),
  },
  FormatError: {
    title: 'The bytes are not of the format that they should be',
    // Of what is stored, unless the part of the handler that read a body says otherwise.
    status: 500,
    facts: ['reason', 'offset'],
    make: (message, facts) =>
      new FormatError(message, {
        reason: reason(facts['reason']),
        offset: number(facts['offset']),
        status: number(facts['status']),
      }),
  },
  IntegrityError: {
    title: 'What is stored is damaged',
    status: 500,
    facts: ['expected', 'actual', 'alias', 'streamId', 'blockIndex'],
    make: (message, facts) =>
      new IntegrityError(message, {
        expected: text(facts['expected']),
        actual: text(facts['actual']),
        alias: text(facts['alias']),
        streamId: text(facts['streamId']),
        blockIndex: number(facts['blockIndex']),
        status: number(facts['status']),
      }),
  },
  QuotaExceededError: {
    title: 'There is no room for the bytes',
    status: 507,
    facts: ['limit'],
    make: (message, facts) =>
      new QuotaExceededError(message, { limit: number(facts['limit']), status: number(facts['status']) }),
  },
  BackendError: {
    title: 'The storage failed',
    status: 503,
    facts: ['retryable', 'outcome'],
    make: (message, facts) =>
      new BackendError(message, {
        retryable: facts['retryable'] === true,
        outcome: facts['outcome'] === 'unknown' ? 'unknown' : undefined,
        cause: facts,
        status: number(facts['status']),
      }),
  },
  TypeError: {
    title: 'The request is malformed',
    status: 400,
    facts: [],
    make: (message, { status }) => Object.assign(new TypeError(message), { status }),
  },
  RangeError: {
    title: 'A value is out of range',
    status: 400,
    facts: [],
    make: (message, { status }) => Object.assign(new RangeError(message), { status }),
  },
}

/** Titles of the problems that are no error of this package (RFC 9457, section 4.2.1). */
const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  428: 'Precondition Required',
  499: 'Client Closed Request',
  501: 'Not Implemented',
}

/** A failure whose status is not the usual one of its error, or that is no error of this package at all. */
export class StatusError extends Error {
  /** Always `'StatusError'`. */
  override readonly name = 'StatusError'
  /** Status code of the answer. */
  readonly status: number
  /** The error that the client gets, if it is one of this package. */
  readonly error: Error | undefined
  /** Header fields that the status asks for. */
  readonly headers: Readonly<Record<string, string>>

  /** Makes the failure from an error, or a text that says what is wrong. */
  constructor(status: number, error: Error | string, headers: Readonly<Record<string, string>> = {}) {
    super(typeof error === 'string' ? error : error.message, { cause: error })
    this.status = status
    this.error = typeof error === 'string' ? undefined : error
    this.headers = headers
  }
}

/** The problem that tells a client of an error; undefined if the error is a fault of the program, not for clients. */
export function problemOf(error: unknown): { problem: Problem; headers: Readonly<Record<string, string>> } | undefined {
  const failure = isNamed(error, 'StatusError') ? (error as StatusError) : undefined
  if (failure && !failure.error) {
    const { status, message } = failure
    const title = PHRASES[status] ?? 'Error'
    return { problem: { type: 'about:blank', title, status, detail: message }, headers: failure.headers }
  }
  const cause = failure?.error ?? (error as Error)
  const kind = isRecord(cause) && Object.hasOwn(KINDS, cause.name) ? KINDS[cause.name] : undefined
  // A TypeError that nobody has given a status comes from a bug, not from the request.
  if (!kind || (kind.facts.length === 0 && !failure)) return undefined
  const retryable = cause.name === 'BackendError' && (cause as BackendError).retryable
  const status = failure?.status ?? (cause.name === 'BackendError' && !retryable ? 500 : kind.status)
  const facts = Object.entries(cause).filter(([name, value]) => kind.facts.includes(name) && value !== undefined)
  // An engine's own words may name files and hosts: they are for its operator.
  const { actualEtag } = cause as Partial<ConflictError>
  const detail = cause.name === 'BackendError' ? 'the storage of the hive failed' : cause.message
  return {
    problem: { type: TYPE_PREFIX + cause.name, title: kind.title, status, detail, ...Object.fromEntries(facts) },
    headers: {
      // The answer to HEAD has only these.
      ...(actualEtag !== undefined && { ETag: actualEtag }),
      ...failure?.headers,
      ...(retryable && { 'Retry-After': '1' }),
    },
  }
}

/** What the client knows of the exchange that failed. */
export interface FailedExchange {
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
 * Rebuilds the error that an answer tells of. Reads or discards its body; rejects only with the reason of the signal.
 */
export async function errorOf(response: Response, exchange: FailedExchange, reading: BodyReading): Promise<Error> {
  const { status } = response
  const problem = await readProblem(response, reading)
  const name = problem?.type.startsWith(TYPE_PREFIX) ? problem.type.slice(TYPE_PREFIX.length) : nameOf(status)
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name]! : KINDS['BackendError']!
  const { alias, expectedEtag, offset, write } = exchange
  const said = (text(problem?.['detail']) ?? text(problem?.['title']))?.slice(0, MAX_DETAIL_CHARACTERS)
  const told = `the server answered ${status} ${said ?? response.statusText}`.trimEnd()
  // An answer to HEAD has no words of its own.
  const message =
    kind === KINDS['BackendError'] || kind === KINDS['AccessError']
      ? told
      : (said ?? `${kind.title}${alias === undefined ? '' : `: ${alias}`}`)
  const retryable = isRetryable(status)
  return kind.make(message, {
    alias,
    retryable,
    // A gateway that gives up may have passed the request on.
    outcome: write && (status === 502 || status === 504) ? 'unknown' : undefined,
    reason: 'invalid',
    actualEtag: response.headers.get('etag') ?? undefined,
    ...problem,
    status,
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
 * Tells whether the same request may succeed later: not if the status says otherwise, or the problem does, such as a lost
 * block that a gateway passes on with its 502.
 */
export async function retryAdvice(response: Response, reading: BodyReading): Promise<RetryAdvice> {
  const { status, statusText, headers } = response
  if (!isRetryable(status)) return { mayPass: false, again: response }
  if (!isProblem(response)) return { mayPass: true, again: response }
  const bytes = await readBody(response, MAX_PROBLEM_BYTES, reading).catch(() => new Uint8Array(0))
  reading.signal.throwIfAborted()
  const problem = parseProblem(bytes)
  const isOurs = problem?.type.startsWith(TYPE_PREFIX)
  const mayPass = !isOurs || (problem?.type === `${TYPE_PREFIX}BackendError` && problem['retryable'] !== false)
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

/** A problem as it came: nothing is known of its members but that there is a type. */
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
    // Cut off or late: the status has said already what matters.
    return undefined
  }
}

function isProblem({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith(PROBLEM_TYPE) ?? false
}

/** Undefined for what is garbled. */
function parseProblem(bytes: Uint8Array): ReceivedProblem | undefined {
  try {
    const problem: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return isRecord(problem) && typeof problem['type'] === 'string' ? (problem as ReceivedProblem) : undefined
  } catch {
    return undefined
  }
}

function isNamed(error: unknown, name: string): boolean {
  return isRecord(error) && error['name'] === name
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function reason(value: unknown): FormatErrorReason {
  const reasons: readonly unknown[] = ['magic', 'truncated', 'invalid', 'unsupported', 'limit']
  return reasons.includes(value) ? (value as FormatErrorReason) : 'invalid'
}
