import type { BackendError, ConflictError, QuotaExceededError } from '../../errors.ts'
import { ERROR_KINDS } from '../protocol/error-kinds.ts'
import { isRecord } from '../protocol/is-record.ts'
import { type Problem, PROBLEM_TYPE_PREFIX } from '../protocol/problem.ts'
import type { StatusError } from './status-error.ts'

/** Titles of the problems that are not errors of this package (RFC 9457, section 4.2.1). */
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

/** The problem that describes an error to clients; undefined for a fault of the program, which is not for them. */
export function problemOf(error: unknown): { problem: Problem; headers: Readonly<Record<string, string>> } | undefined {
  const failure = isNamed(error, 'StatusError') ? (error as StatusError) : undefined
  if (failure && !failure.error) {
    const { status, message } = failure
    const title = PHRASES[status] ?? 'Error'
    return { problem: { type: 'about:blank', title, status, detail: message }, headers: failure.headers }
  }
  const cause = failure?.error ?? (error as Error)
  const kind = isRecord(cause) && Object.hasOwn(ERROR_KINDS, cause.name) ? ERROR_KINDS[cause.name] : undefined
  // A TypeError without a status comes from a bug, not from the request.
  if (!kind || (kind.facts.length === 0 && !failure)) return undefined
  const retryable = cause.name === 'BackendError' && (cause as BackendError).retryable
  const status = failure?.status ?? (cause.name === 'BackendError' && !retryable ? 500 : kind.status)
  const facts = Object.entries(cause).filter(([name, value]) => kind.facts.includes(name) && value !== undefined)
  const { actualEtag } = cause as Partial<ConflictError>
  const detail = engineFailure(cause) ?? cause.message
  return {
    problem: {
      type: PROBLEM_TYPE_PREFIX + cause.name,
      title: kind.title,
      status,
      detail,
      ...Object.fromEntries(facts),
    },
    headers: {
      // The answer to a HEAD has nothing but header fields.
      ...(actualEtag !== undefined && { ETag: actualEtag }),
      ...failure?.headers,
      ...(retryable && { 'Retry-After': '1' }),
    },
  }
}

/** Replaces an engine's own message, which may name files and hosts: it is for the operator. */
function engineFailure(error: Error): string | undefined {
  const { name, limit } = error as Error & Pick<Partial<QuotaExceededError>, 'limit'>
  if (name === 'BackendError') return 'the storage of the hive failed'
  // Whoever sets a limit says so; without one, it is the disk that is full.
  return name === 'QuotaExceededError' && limit === undefined ? 'the storage of the hive is full' : undefined
}

function isNamed(error: unknown, name: string): boolean {
  return isRecord(error) && error['name'] === name
}
