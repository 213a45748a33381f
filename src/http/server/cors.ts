import { describeValue } from '../../bytes/describe-value.ts'
import { EXPOSED_HEADERS } from '../protocol/entry-headers.ts'

/**
 * Which pages of other origins may use the hive: a list of origins, each as `URL.origin` writes it, or `'null'`; a
 * function that decides, by `true`; or `'*'`, every page on the web, for writing too.
 */
export type Cors = '*' | readonly string[] | ((origin: string) => boolean)

/** Methods that a page of another origin may use. */
const METHODS = 'GET, HEAD, PUT, PATCH, DELETE'
const MAX_AGE_SECONDS = 600

/**
 * Checks who may use the hive.
 *
 * @throws {TypeError} if it is no {@linkcode Cors}, or names what no browser sends as an Origin.
 */
export function checkCors(cors: unknown): void {
  if (cors === undefined || cors === '*' || typeof cors === 'function') return
  if (!Array.isArray(cors)) {
    throw new TypeError(`cors must be '*', an array of origins, or a function, got ${typeof cors}`)
  }
  for (const origin of cors as unknown[]) {
    if (isOrigin(origin)) continue
    throw new TypeError(`cors must name origins, such as 'https://example.org', got ${describeValue(origin)}`)
  }
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string') return false
  return value === 'null' || (URL.canParse(value) && new URL(value).origin === value)
}

/**
 * Whether a page of this origin may use the hive: a page of the hive's own origin may, as may one that `cors` names. A
 * request without an Origin comes from no page.
 */
export function allowsOrigin(request: Request, cors: Cors | undefined): boolean {
  const origin = request.headers.get('origin')
  if (origin === null || origin === new URL(request.url).origin) return true
  if (cors === undefined) return false
  if (cors === '*') return true
  if (typeof cors !== 'function') return cors.includes(origin)
  // The promise of an async function is no yes.
  const granted: unknown = cors(origin)
  return granted === true
}

/**
 * Whether a request that only reads comes from a page that may use the hive, or from none. An `<img>` of another site
 * has no Origin; browsers tell of it by Sec-Fetch-Site (W3C Fetch Metadata, section 2.4).
 */
export function isAskedFor(request: Request, cors: Cors | undefined): boolean {
  const { headers } = request
  if (headers.has('origin')) return allowsOrigin(request, cors)
  return headers.get('sec-fetch-site') !== 'cross-site'
}

/**
 * Header fields of the Fetch standard for every answer: the CORS protocol, and Cross-Origin-Resource-Policy, which keeps
 * an `<img>` or a `<script>` of a page that may not use the hive from getting its bytes. Pages that `cors` names ask with
 * the attribute `crossorigin`.
 */
export function corsHeaders(request: Request, cors: Cors | undefined): Record<string, string> {
  const policy = { 'Cross-Origin-Resource-Policy': cors === '*' ? 'cross-origin' : 'same-origin' }
  if (cors === undefined) return policy
  const origin = request.headers.get('origin')
  // A cache must keep the answers to different origins apart, also the one to none.
  const shared: Record<string, string> = cors === '*' ? policy : { ...policy, Vary: 'Origin' }
  if (origin === null || !allowsOrigin(request, cors)) return shared
  return {
    ...shared,
    'Access-Control-Allow-Origin': cors === '*' ? '*' : origin,
    'Access-Control-Expose-Headers': EXPOSED_HEADERS,
  }
}

/** Further header fields of the answer to a preflight. */
export function preflightHeaders(request: Request, cors: Cors | undefined): Record<string, string> {
  const asked = request.headers.get('access-control-request-headers')
  if (cors === undefined || !request.headers.has('access-control-request-method') || !allowsOrigin(request, cors)) {
    return {}
  }
  return {
    'Access-Control-Allow-Methods': METHODS,
    // Whoever may use the hive may send it any header; `authorize` is what decides about them.
    ...(asked === null ? {} : { 'Access-Control-Allow-Headers': asked }),
    'Access-Control-Max-Age': String(MAX_AGE_SECONDS),
  }
}
