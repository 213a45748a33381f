import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import { MAX_ALIAS_BYTES } from '../../hive/alias.ts'
import { MAX_LIST_ENTRIES } from '../../hive/list-options.ts'
import { type Cors, checkCors } from './cors.ts'
import type { Action, Operation, Transfer } from './transfer.ts'

/** What a request is about to do, for {@linkcode HiveHandlerOptions.authorize}. */
export type Access = EntryAccess | HiveAccess

/** What every request says of itself. */
export interface AccessKind {
  /** What the request asks for. */
  readonly operation: Operation
  /** The class of the operation. */
  readonly action: Action
}

/** A request that is about one entry. */
export interface EntryAccess extends AccessKind {
  /** Name of the entry: the alias that is read or changed, decoded. */
  readonly alias: string
  /** Always undefined. */
  readonly prefix?: undefined
}

/** A request that is about all entries whose aliases begin with a prefix. */
export interface HiveAccess extends AccessKind {
  /** Always undefined. */
  readonly alias?: undefined
  /** The prefix that was asked for: the answer has no other entries. Empty if it is about the whole hive. */
  readonly prefix: string
}

/** Bounds of what one request may ask of the server. */
export interface HiveHandlerLimits {
  /**
   * Largest body of a request, in bytes: that of an entry, or of a delta. The entry that a delta makes may be larger;
   * the hive has a limit for that (`maxEntrySize` of a `LocalHive`).
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
   * Longest time without a byte of a request's body, in milliseconds; after that the answer is 408. There is no limit
   * for a body that keeps bringing bytes. A delta may bring none for a while, when its maker finds only known blocks.
   * @default 600_000
   */
  silenceMs?: number | undefined
  /**
   * Most requests that watch the hive at a time; each keeps a connection. Further ones are answered with 503.
   * @default 1000
   */
  watchers?: number | undefined
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
   * Decides about each request except preflights: `true` lets it pass; a Response, such as a 401 with its challenge, is
   * sent as the answer; any other value refuses the request with 403. For a list, `access.prefix` is what limits it, so
   * `(alias ?? prefix).startsWith('alice/')` is true of every request for something below `alice/`, and of no other.
   * @default every request passes
   */
  authorize?: ((request: Request, access: Access) => boolean | Response | Promise<boolean | Response>) | undefined
  /**
   * Which pages of other origins may use the hive. Behind a proxy that terminates TLS, add the public origin.
   * @default none
   */
  cors?: Cors | undefined
  /**
   * The values that a Host header may have, as `URL.host` writes them: with the port, if it is not the default one. All
   * other requests are refused, reads too: this keeps out a page that has rebound its own name to this server's
   * address.
   * @default any
   */
  hosts?: readonly string[] | undefined
  /** Bounds of what one request may ask. */
  limits?: HiveHandlerLimits | undefined
  /**
   * Ends the answers to requests that watch the hive, which would not end by themselves: abort it when the server is
   * about to stop. Clients then come back to the server that takes over.
   * @default none
   */
  stopping?: AbortSignal | undefined
  /**
   * Called once for each request, when its answer has ended, with the bytes that this server counted. After a fault of
   * the program, for which the promise of the handler rejects, the status is 500.
   */
  onTransfer?: ((transfer: Transfer) => void) | undefined
  /**
   * Called for each failure of the hive that a client saw as a 5xx or as an answer that broke off, and for each damaged
   * entry that is listed, replaced or removed.
   */
  onError?: ((error: unknown, request: Request) => void) | undefined
}

/** Options that have been checked, with their defaults. */
export interface HandlerSettings extends HiveHandlerOptions {
  readonly base: string
  readonly limits: HandlerLimits
}

/** Ten minutes. */
const SILENCE_MS = 600_000
const WATCHERS = 1000

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
  // In a string, `includes` would find every part of it.
  if (hosts !== undefined && !(Array.isArray(hosts) && hosts.every((host) => typeof host === 'string'))) {
    throw new TypeError(`hosts must be an array of strings, got ${typeof hosts}`)
  }
  for (const [name, value] of Object.entries({ authorize, onTransfer, onError })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`${name} must be a function, got ${typeof value}`)
    }
  }
  const { uploadBytes = Infinity, aliasBytes = MAX_ALIAS_BYTES, listEntries = MAX_LIST_ENTRIES } = limits
  const { silenceMs = SILENCE_MS, watchers = WATCHERS } = limits
  checkInteger('limits.uploadBytes', uploadBytes, 0, Infinity)
  checkInteger('limits.aliasBytes', aliasBytes, 1, MAX_ALIAS_BYTES)
  checkInteger('limits.listEntries', listEntries, 1, MAX_LIST_ENTRIES)
  checkInteger('limits.silenceMs', silenceMs, 1, Infinity)
  checkInteger('limits.watchers', watchers, 0, Infinity)
  return { ...options, base, limits: { uploadBytes, aliasBytes, listEntries, silenceMs, watchers } }
}
