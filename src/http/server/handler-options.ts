import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import { type Cors, checkCors } from './cors.ts'
import type { Operation, Transfer } from './transfer.ts'

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

/** The limits of a handler, each with a value. */
export type HandlerLimits = Readonly<{ [name in keyof HiveHandlerLimits]-?: NonNullable<HiveHandlerLimits[name]> }>

/** Options of `createHiveHandler`. */
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
   * Called once for each request, when its answer has ended: the bytes as this server counted them. A fault of the program,
   * for which the promise of the handler rejects, ends it too, with status 500.
   */
  onTransfer?: ((transfer: Transfer) => void) | undefined
  /**
   * Called for each failure of the hive that a client was told of as a 5xx, or by an answer that breaks off, and for each
   * damaged entry that is listed, replaced or removed.
   */
  onError?: ((error: unknown, request: Request) => void) | undefined
}

/** Options that have been checked, with their defaults. */
export interface HandlerSettings extends HiveHandlerOptions {
  readonly base: string
  readonly limits: HandlerLimits
}

/** Largest number of entries that a request may ask for. */
export const MAX_LIST_ENTRIES = 1000

/** Ten minutes. */
const SILENCE_MS = 600_000

/** Aliases cannot be longer in any hive. */
const MAX_ALIAS_BYTES = 1023

/**
 * Checks the options of a handler, and fills in the defaults.
 *
 * @throws {TypeError} if an option is of a wrong type.
 * @throws {RangeError} if a limit is out of range.
 */
export function checkHandlerOptions(options: HiveHandlerOptions): HandlerSettings {
  const { base = '/', limits = {} } = options
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
  const { uploadBytes = Infinity, aliasBytes = MAX_ALIAS_BYTES, listEntries = MAX_LIST_ENTRIES } = limits
  const { silenceMs = SILENCE_MS } = limits
  checkInteger('limits.uploadBytes', uploadBytes, 0, Infinity)
  checkInteger('limits.aliasBytes', aliasBytes, 1, MAX_ALIAS_BYTES)
  checkInteger('limits.listEntries', listEntries, 1, MAX_LIST_ENTRIES)
  checkInteger('limits.silenceMs', silenceMs, 1, Infinity)
  return { ...options, base, limits: { uploadBytes, aliasBytes, listEntries, silenceMs } }
}
