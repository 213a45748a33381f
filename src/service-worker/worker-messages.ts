/**
 * The messages between a page and the ready-made service worker (`dist/browser/service-worker.js`).
 *
 * @module
 */
import type { WorkerCall } from './page-calls.ts'
import type { Delivery } from './fetch-responder.ts'

/** Parameters in the script URL of the worker: unlike a message, they are still there when the browser restarts it. */
export const HIVE_PARAMETER = 'hive'
/** See {@linkcode HIVE_PARAMETER}. */
export const BASE_PARAMETER = 'base'
/** Occurs once for each file that the worker keeps. */
export const FILE_PARAMETER = 'file'

/**
 * Scheme of the URL of a hive that is in the browser itself; the rest is the name that `browserBackend` gets.
 */
export const BROWSER_HIVE_SCHEME = 'browser:'

/** Budget of the cache in bytes; absent if there is none. */
export const CACHE_PARAMETER = 'cache'
/** Bytes of a media request before its page is asked whether it needs more; absent for the default. */
export const AHEAD_PARAMETER = 'ahead'
/** Is there if the pages have tokens. */
export const TOKEN_PARAMETER = 'token'

/** Asks a page for its token; the page answers on the port that comes with it. */
export interface IdentityMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:identity'
}

/** A call of a page; the worker answers on the port that comes with it. */
export type CallMessage = WorkerCall & {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:call'
  /** Names the call. */
  readonly id: string
}

/**
 * Keeps the worker from being ended during a call, or while it holds a request. If it knows neither, it sends a
 * {@linkcode LostMessage}.
 */
export interface AliveMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:alive'
  /** Names the call or the request. */
  readonly id: string
}

/** Tells a page that the worker does not know its call or request, because the browser has restarted it. */
export interface LostMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:lost'
  /** Names the call. */
  readonly id: string
}

/**
 * Tells a page that the answer to a request of one of its media elements is held until the element needs more. The page
 * answers with a {@linkcode NeedMessage}, and stops watching once it gets a {@linkcode LostMessage}.
 */
export interface HoldMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:hold'
  /** Names the held request. */
  readonly id: string
  /** The URL that was requested. */
  readonly url: string
}

/** What a page says of a request that is held. */
export type HoldAnswer = 'watching' | 'unknown' | 'more' | 'gone'

/**
 * Answers a {@linkcode HoldMessage}: whether the page watches an element with this URL or knows none; later, once, that
 * the element needs more or has gone.
 */
export interface NeedMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:need'
  /** Names the held request. */
  readonly id: string
  /** What the page says of it. */
  readonly answer: HoldAnswer
}

/** Asks the worker to take over the page that sends it. */
export interface ClaimMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:claim'
}

/** Tells a page which bytes its browser has taken from the worker. */
export interface DeliveryMessage extends Delivery {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:delivery'
}

/** Tells a page why a body broke off, or an answer failed. */
export interface FailureMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:failure'
  /** Path of the request. */
  readonly path: string
  /** Name of the error, such as `ConflictError`. */
  readonly name: string
  /** Message of the error. */
  readonly message: string
}

/**
 * Tells pages why nothing of what they read is kept for some seconds: `QuotaExceededError` if the browser has no more room,
 * `BackendError` if its storage fails. With an `IntegrityError`, only what the network had changed is not kept.
 */
export interface CacheFailureMessage {
  /** Distinguishes this message from others. */
  readonly type: 'combstream:cache-failure'
  /** Name of the error. */
  readonly name: string
  /** Message of the error. */
  readonly message: string
}
