import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import { readsOnDemand } from './reads-on-demand.ts'

/** Options of a client that reads over HTTP. */
export interface ReadingOptions {
  /**
   * Sends the requests: a handler in the same program, or a `fetch` with a proxy or with credentials. If it collects
   * answers before it gives them, set `readAhead`, too: outside browsers, an answer may otherwise be the rest of the entry.
   * @default the global fetch
   */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /**
   * Header fields for every request, such as Authorization; a function is called for each.
   * @default none
   */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined
  /**
   * Largest number of bytes that a stream has requested and not yet delivered, 65,536 to 1,073,741,824. It is also the
   * most that a paused stream holds. A stream begins with a few ranges of 1,000,000 bytes, and requests more only while
   * its reader waits for bytes. By default, a stream in Node, Deno, Bun or an edge worker may also request all the rest at
   * once, which those hosts receive only as fast as it is read: it still holds no more.
   * @default 33_554_432
   */
  readAhead?: number | undefined
  /**
   * Largest number of ranges that a stream requests at a time, 1 to 64. With 1, each range is requested when the one
   * before it has been delivered.
   * @default 4
   */
  parallel?: number | undefined
  /**
   * How often in a row a request that only reads is repeated, with growing pauses, when nothing comes back.
   * @default 5
   */
  retries?: number | undefined
  /**
   * Milliseconds without a byte after which an answer counts as lost: at most 2,147,483,647, the longest that a timer
   * can wait. It does not apply to the answer to an upload, since nothing shows how far the bytes have travelled: use
   * the sink's `signal` to stop waiting for that.
   * @default 30_000
   */
  stallTimeoutMs?: number | undefined
  /**
   * What is checked of the bytes that arrive.
   *
   * - `'whole'`: reads of whole entries. A stream or a reader that goes from the first byte to the last fails with an
   *   `IntegrityError` instead of delivering its last bytes, if the SHA-256 of all bytes is not the one that the etag is.
   *   For a server whose etags are something else, it is that of the header field `Repr-Digest` (RFC 9530) with which the
   *   entry was opened, if there is one. In a page whose Content Security Policy forbids WebAssembly, nothing is checked.
   * - `true`: that, and each block of 1,000,000 bytes before any of its bytes is delivered, whatever range is read. The
   *   server must be a hive, so `openUrl` refuses it. A block that is wrong is read once more; if it is wrong again, the
   *   read fails with an `IntegrityError` whose `offset` says where it begins.
   * - `false`: nothing.
   *
   * docs/http.md says what it costs.
   * @default 'whole'
   */
  verify?: boolean | 'whole' | undefined
}

/** Checked {@linkcode ReadingOptions}, with their defaults. */
export interface Reading {
  /** Sends the requests. */
  readonly fetch: NonNullable<ReadingOptions['fetch']>
  /** Header fields for every request. */
  readonly headers: NonNullable<ReadingOptions['headers']>
  /** Largest number of bytes that a stream has requested and not yet delivered. */
  readonly readAhead: number
  /** Whether one answer may have more than `readAhead` bytes, because it is received only as fast as it is read. */
  readonly readsOnDemand: boolean
  /** Largest number of ranges that a stream requests at a time. */
  readonly parallel: number
  /** How often in a row a request that only reads is repeated without a byte of progress. */
  readonly retries: number
  /** Milliseconds without a byte after which an answer counts as lost. */
  readonly stallTimeoutMs: number
  /** What is checked of the bytes that arrive. */
  readonly verify: boolean | 'whole'
}

const DEFAULT_READ_AHEAD_BYTES = 32 * 1024 * 1024
const MIN_READ_AHEAD_BYTES = 64 * 1024
const MAX_READ_AHEAD_BYTES = 1024 * 1024 * 1024
/** Browsers have six HTTP/1.1 connections to a server, and a page needs some of them for other things. */
const DEFAULT_PARALLEL = 4
const MAX_PARALLEL = 64
const DEFAULT_RETRIES = 5
const DEFAULT_STALL_TIMEOUT_MS = 30_000
/** A longer timer fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Checks the options of a client that reads.
 *
 * @throws {TypeError} if an option is of a wrong type.
 * @throws {RangeError} if it is out of its bounds.
 */
export function checkReadingOptions(options: ReadingOptions): Reading {
  const {
    readAhead = DEFAULT_READ_AHEAD_BYTES,
    parallel = DEFAULT_PARALLEL,
    retries = DEFAULT_RETRIES,
    stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS,
    verify = 'whole',
  } = options
  if (typeof verify !== 'boolean' && verify !== 'whole') {
    throw new TypeError(`verify must be a boolean or 'whole', got ${describeValue(verify)}`)
  }
  return {
    // Looked up at each call, so that a `fetch` that is replaced later is used.
    fetch: options.fetch ?? ((address, init) => fetch(address, init)),
    headers: options.headers ?? {},
    readAhead: checkInteger('readAhead', readAhead, MIN_READ_AHEAD_BYTES, MAX_READ_AHEAD_BYTES),
    // Who sets a budget wants it kept by what is requested, too.
    readsOnDemand: options.readAhead === undefined && readsOnDemand(),
    parallel: checkInteger('parallel', parallel, 1, MAX_PARALLEL),
    retries: checkInteger('retries', retries, 0, Infinity),
    stallTimeoutMs: checkInteger('stallTimeoutMs', stallTimeoutMs, 1, MAX_TIMEOUT_MS),
    verify,
  }
}
