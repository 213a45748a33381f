import { describeValue } from '../../bytes/describe-value.ts'
import { EXPOSED_HEADERS } from '../protocol/entry-headers.ts'

/**
 * Which pages of other origins may use the hive: a list of origins, each as `URL.origin` writes it, or `'null'`; a
 * function that returns `true` for an allowed origin; or `'*'`, which allows every page on the web, to write too.
 */
export type Cors = '*' | readonly string[] | ((origin: string) => boolean)

/** Methods that a page of another origin may use. */
const METHODS = 'GET, HEAD, PUT, PATCH, DELETE, MOVE'
const MAX_AGE_SECONDS = 600

/**
 * Checks the option `cors`.
 *
 * @throws {TypeError} if it is not a {@linkcode Cors}, or has a value that no browser sends as an Origin.
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
 * Whether a page of this origin may use the hive: a page of the hive's own origin may, and so may one that `cors`
 * allows. A request without an Origin does not come from a page.
 */
export function allowsOrigin(request: Request, cors: Cors | undefined): boolean {
  const origin = request.headers.get('origin')
  if (origin === null || origin === new URL(request.url).origin) return true
  if (cors === undefined) return false
  if (cors === '*') return true
  if (typeof cors !== 'function') return cors.includes(origin)
  // The promise of an async function does not count as `true`.
  const granted: unknown = cors(origin)
  return granted === true
}

/**
 * Whether a request that only reads comes from a page that may use the hive, or from no page at all. An `<img>` of
 * another site sends no Origin, but browsers send Sec-Fetch-Site with it (W3C Fetch Metadata, section 2.4).
 */
export function isAskedFor(request: Request, cors: Cors | undefined): boolean {
  const { headers } = request
  if (headers.has('origin')) return allowsOrigin(request, cors)
  return headers.get('sec-fetch-site') !== 'cross-site'
}

/**
 * Header fields of the Fetch standard for every answer: those of CORS, and Cross-Origin-Resource-Policy, which keeps
 * the bytes from an `<img>` or `<script>` of a page that may not use the hive. Pages that `cors` allows need the
 * attribute `crossorigin` there.
 */
export function corsHeaders(request: Request, cors: Cors | undefined): Record<string, string> {
  const policy = { 'Cross-Origin-Resource-Policy': cors === '*' ? 'cross-origin' : 'same-origin' }
  if (cors === undefined) return policy
  const origin = request.headers.get('origin')
  // A cache must keep apart the answers to different origins, and those to requests without one.
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
    // A page that may use the hive may send any header field; it is for `authorize` to judge them.
    ...(asked === null ? {} : { 'Access-Control-Allow-Headers': asked }),
    'Access-Control-Max-Age': String(MAX_AGE_SECONDS),
  }
}
