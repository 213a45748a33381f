import { describeValue } from '../../bytes/describe-value.ts'
import { markHandled } from '../../bytes/promises.ts'
import { BackendError, type ErrorFacts } from '../../errors.ts'

/** The statuses by which the protocol says that a change was made: docs/http.md. */
const DONE_STATUSES = { PUT: [201, 204], PATCH: [200], DELETE: [204], MOVE: [201, 204] } as const

/** Method of a request that changes an entry. */
export type WriteMethod = keyof typeof DONE_STATUSES

/** Whether an answer says that the change was made. */
export function saysDone(method: WriteMethod, { type, redirected, status }: Response): boolean {
  const statuses: readonly number[] = DONE_STATUSES[method]
  // A custom `fetch` may have followed a redirect all the same: then this is the answer to another request.
  return statuses.includes(status) && type !== 'opaqueredirect' && !redirected
}

/**
 * The error for an answer to a change that says neither that it was made nor that it failed, such as a redirect or a
 * proxy's page. Undefined if the answer is an error. Discards the body.
 */
export function strayAnswer(method: WriteMethod, response: Response): BackendError | undefined {
  const { type, redirected, status, headers } = response
  const isRedirect = type === 'opaqueredirect' || redirected || [301, 302, 303, 307, 308].includes(status)
  if (!isRedirect && status >= 400) return undefined
  markHandled(response.body?.cancel())
  // An opaque redirect has the status 0.
  const facts = { status: status || undefined }
  if (isRedirect) return redirectError(method, headers.get('location') ?? undefined, facts)
  const expected = DONE_STATUSES[method].join(' or ')
  return unknownOutcome(`the server answered ${method} with ${status}, not ${expected}: is this a hive?`, facts)
}

/** The error for a change that was answered with a redirect; without `location`, its target is unknown. */
export function redirectError(method: string, location?: string, facts: ErrorFacts = {}): BackendError {
  const target = location === undefined ? '' : ` to ${describeValue(location)}`
  return unknownOutcome(`the server redirected ${method}${target}, and a change does not follow redirects`, facts)
}

function unknownOutcome(message: string, facts: ErrorFacts): BackendError {
  return new BackendError(message, { ...facts, retryable: false, outcome: 'unknown' })
}
