import { isTransient } from '../../bytes/is-transient.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { abortable, markHandled } from '../../bytes/promises.ts'
import { BackendError } from '../../errors.ts'
import { backOffMs, sleep } from './back-off.ts'
import { isPermanent, isRefusedRedirect } from './fetch-failure.ts'
import type { Reading } from './reading-options.ts'
import { canRefuseRedirects } from './request-streams.ts'
import { errorOf, type FailedRequest, retryAdvice } from './answer-error.ts'
import { readBody, stalled, timedBody } from './timed-body.ts'
import { redirectError, saysDone, strayAnswer, type WriteMethod } from './write-answer.ts'

/** What {@linkcode HttpClient} is made with. */
export interface HttpClientSettings extends Reading {
  /** Root of the hive; ends with a slash. */
  readonly root: URL
}

/** A request. */
export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: BodyInit | undefined
  readonly signal: AbortSignal
}

/** Sends requests to one hive, with header fields, retries and timeouts. What an answer means is decided elsewhere. */
export class HttpClient {
  readonly #settings: HttpClientSettings

  constructor(settings: HttpClientSettings) {
    this.#settings = settings
  }

  /** Milliseconds without a byte after which an answer counts as lost. */
  get stallTimeoutMs(): number {
    return this.#settings.stallTimeoutMs
  }

  /** Largest number of bytes that a stream has requested and not yet delivered. */
  get readAhead(): number {
    return this.#settings.readAhead
  }

  /** Largest number of ranges that a stream requests at a time. */
  get parallel(): number {
    return this.#settings.parallel
  }

  /** Whether an answer may be longer than that, because the host receives it only as fast as it is read. */
  get readsOnDemand(): boolean {
    return this.#settings.readsOnDemand
  }

  /** URL of an entry, or, for an empty alias, of the hive. */
  url(alias: string, query: Readonly<Record<string, string | undefined>> = {}): string {
    const path = alias.split('/').map(encodeURIComponent).join('/')
    const fields = Object.entries(query).filter((field): field is [string, string] => field[1] !== undefined)
    // A name without a value, as in `?signature`, has no equals sign.
    const search = fields
      .map(([name, value]) => (value === '' ? name : `${name}=${encodeURIComponent(value)}`))
      .join('&')
    return `${this.#settings.root.href}${path}${search && '?'}${search}`
  }

  /**
   * Sends a request once.
   *
   * @param write The request changes something. Then it may have been carried out although there is no answer, and it
   *   does not follow redirects: browsers do not say where they lead, and a streamed body cannot be sent again.
   * @throws {BackendError} if there is no answer.
   */
  async send(request: HttpRequest, write?: 'write'): Promise<Response> {
    const { method, url, body, signal } = request
    const headers = await this.#headers(request.headers)
    // Given up meanwhile. The host's own `fetch` would see that; one that the caller brings may not.
    signal.throwIfAborted()
    const init: RequestInit & { duplex?: 'half' } = {
      method,
      headers,
      signal,
      // Etags are compared with what the server has now, which a cache does not know.
      cache: 'no-store',
      ...(body !== undefined && { body, duplex: 'half' }),
      ...(write && { redirect: 'manual' }),
      // Node keeps the whole of a streamed body for a redirect, although it could not be sent again, unless a redirect
      // is an error and the request has no window (Fetch standard, "HTTP-network-or-cache fetch": else it is cloned).
      ...(isStream(body) && canRefuseRedirects() && { redirect: 'error', window: null }),
    }
    try {
      const response = await this.#settings.fetch(url, init)
      if (!signal.aborted) return response
      // The request was given up, but this `fetch` did not notice.
      markHandled(response.body?.cancel())
      throw signal.reason
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      if (write && isRefusedRedirect(cause)) throw redirectError(method, undefined, { cause })
      throw new BackendError(`no answer from ${new URL(url).host}`, {
        retryable: !isPermanent(cause),
        outcome: write && 'unknown',
        cause,
      })
    }
  }

  /**
   * Sends a request that only reads. It is repeated if there is no answer, or if the answer says that the same request
   * may succeed later.
   */
  async read(request: HttpRequest): Promise<Response> {
    for (let failures = 1; ; failures++) {
      let response: Response | undefined
      let failure: unknown
      try {
        response = await this.withTimeout(request.signal, (signal) => this.send({ ...request, signal }))
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        if (!isTransient(error)) throw error
        failure = error
      }
      if (response) {
        const { signal } = request
        const { mayPass, again } = await retryAdvice(response, { signal, stallTimeoutMs: this.stallTimeoutMs })
        if (!mayPass) return again
        response = again
      }
      const waitMs = this.#waitMs(failures, response?.headers.get('retry-after'))
      if (waitMs === undefined) {
        if (response) return response
        throw failure
      }
      markHandled(response?.body?.cancel())
      await sleep(waitMs, request.signal)
    }
  }

  /** Makes the error that an answer describes. Reads or discards its body. */
  errorOf(response: Response, request: FailedRequest, signal: AbortSignal): Promise<Error> {
    return errorOf(response, request, { signal, stallTimeoutMs: this.stallTimeoutMs })
  }

  /**
   * Makes sure that the answer to a change says that the change was made.
   *
   * @throws {BackendError} if it says neither that the change was made nor that it failed; else the error that it
   *   describes.
   */
  async assertDone(
    method: WriteMethod,
    response: Response,
    request: Omit<FailedRequest, 'write'>,
    signal: AbortSignal,
  ): Promise<void> {
    if (saysDone(method, response)) return
    throw strayAnswer(method, response) ?? (await this.errorOf(response, { ...request, write: true }, signal))
  }

  /** Reads a body of at most `limit` bytes; `write` says that it belongs to the answer to a change. */
  readBody(response: Response, limit: number, signal: AbortSignal, write?: 'write'): Promise<Uint8Array<ArrayBuffer>> {
    const outcome = write && 'unknown'
    return readBody(response, limit, { signal, stallTimeoutMs: this.stallTimeoutMs, outcome })
  }

  /** Passes on a body that is read as it arrives. */
  timedBody(body: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array<ArrayBuffer>> {
    return timedBody(body, { signal, stallTimeoutMs: this.stallTimeoutMs })
  }

  /**
   * Waits before the rest of a body that broke off is requested; the first time, not at all. Rejects with `failure`
   * after too many failures in a row.
   */
  async backOff(failures: number, failure: unknown, signal: AbortSignal): Promise<void> {
    const waitMs = this.#waitMs(failures, undefined)
    if (waitMs === undefined) throw failure
    if (failures > 1) await sleep(waitMs, signal)
  }

  /** Waits before another attempt; resolves with false, at once, if there were enough attempts. */
  async waitForRetry(attempts: number, signal: AbortSignal): Promise<boolean> {
    const waitMs = this.#waitMs(attempts, undefined)
    if (waitMs === undefined) return false
    await sleep(waitMs, signal)
    return true
  }

  /**
   * Runs a step that counts as lost after {@linkcode HttpClientSettings.stallTimeoutMs}. The signal that it gets is for
   * the step alone: a body that the step returned is given up by cancelling it. With `write`, a lost step may have been
   * carried out all the same.
   */
  async withTimeout<T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>, write?: 'write'): Promise<T> {
    const { stallTimeoutMs } = this.#settings
    const attempt = new AbortController()
    const stopListening = onAbort([signal], (reason) => attempt.abort(reason))
    const timer = setTimeout(() => attempt.abort(stalled(stallTimeoutMs, write && 'unknown')), stallTimeoutMs)
    try {
      return await abortable(run(attempt.signal), attempt.signal)
    } finally {
      clearTimeout(timer)
      stopListening()
    }
  }

  async #headers(own: Readonly<Record<string, string>> = {}): Promise<Headers> {
    const { headers: given } = this.#settings
    const headers = new Headers(typeof given === 'function' ? await given() : given)
    // `fetch` would undo any other coding, but etag, length and ranges are those of the bytes themselves.
    headers.set('Accept-Encoding', 'identity')
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
    return headers
  }

  /** Undefined means: give up. */
  #waitMs(failures: number, retryAfter: string | null | undefined): number | undefined {
    return failures > this.#settings.retries ? undefined : backOffMs(failures, retryAfter)
  }
}

function isStream(body: BodyInit | undefined): boolean {
  return typeof (body as Partial<ReadableStream> | undefined)?.getReader === 'function'
}
