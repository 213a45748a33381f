import { onAbort } from '../../bytes/on-abort.ts'
import { abortable } from '../../bytes/promises.ts'
import { BackendError } from '../../errors.ts'
import {
  answerError,
  type ErrorAnswer,
  type FailedRequest,
  haveCredentialsEnded,
  parseErrorAnswer,
} from './answer-error.ts'
import { Backoff } from './backoff.ts'
import type { CredentialSource } from './credentials.ts'
import { Patience } from './patience.ts'
import { readText } from './read-answer.ts'
import { requestBody } from './request-body.ts'
import { type S3Request, signRequest } from './sign-request.ts'

/** Answers with an error are short. */
const MAX_ERROR_BYTES = 65_536

/** What requests have in common. */
export interface S3ClientOptions {
  readonly credentials: CredentialSource
  readonly region: string
  readonly bucket: string
  readonly fetch: typeof fetch
  /** Whether `fetch` may get bodies as streams. */
  readonly sendsStreams: boolean
  /** How long nothing may happen, in milliseconds. */
  readonly timeoutMs: number
}

/** A request, and what it is for. */
export interface S3Call<T> extends S3Request {
  /** What cannot be done if it fails, for the message. */
  readonly what: string
  readonly signal: AbortSignal | undefined
  /** What the request resolves with if the answer is an error with one of these codes. */
  readonly instead?: Readonly<Record<string, T>> | undefined
}

/** Reads an answer that is a success. `onProgress` must be called whenever bytes have arrived. */
export type ReadAnswer<T> = (response: Response, onProgress: () => void) => Promise<T>

/** How an exchange ended, if not with a failure of the connection. */
type Ending<T> =
  | { readonly kind: 'success'; readonly result: T }
  | { readonly kind: 'error'; readonly answer: ErrorAnswer; readonly canRenew: boolean }

/** An exchange that is under way. */
interface Exchange {
  /** Ends it. */
  readonly abort: AbortController
  /** Whether there are credentials for it. */
  hasCredentials: boolean
  /** Whether the object store may have got something. */
  isSent: boolean
  readonly onProgress: () => void
}

/** Sends requests to an object store, each once, and turns failures into errors of this package. */
export class S3Client {
  readonly #options: S3ClientOptions
  readonly #backoff = new Backoff()

  constructor(options: S3ClientOptions) {
    this.#options = options
  }

  /** Sends a request, and reads its answer. */
  async send<T>(call: S3Call<T>, read: ReadAnswer<T>): Promise<T> {
    const { what, method, signal } = call
    const request = { what, bucket: this.#options.bucket, isChange: method !== 'GET' }
    const pauses = await this.#backoff.wait(signal)
    try {
      const ending = await this.#exchange(call, request, read)
      if (ending.kind === 'error') throw answerError(ending.answer, request, ending.canRenew)
      this.#backoff.succeeded()
      return ending.result
    } catch (error) {
      // The reason of a signal may be anything.
      if ((error as Partial<BackendError> | null)?.retryable) this.#backoff.failed(pauses)
      throw error
    }
  }

  async #exchange<T>(call: S3Call<T>, { what, isChange }: FailedRequest, read: ReadAnswer<T>): Promise<Ending<T>> {
    const abort = new AbortController()
    const stopListening = onAbort([call.signal], (reason) => abort.abort(reason))
    const patience = new Patience(this.#options.timeoutMs, (reason) => abort.abort(reason))
    const exchange: Exchange = { abort, hasCredentials: false, isSent: false, onProgress: () => patience.renew() }
    try {
      return await abortable(this.#fetch(call, exchange, read), abort.signal)
    } catch (error) {
      abort.abort(error)
      call.signal?.throwIfAborted()
      const ours = (error as Partial<Error>).name === 'BackendError' ? (error as BackendError) : undefined
      if (ours?.retryable && !exchange.hasCredentials) this.#options.credentials.giveUp()
      throw new BackendError(`${what}: ${ours?.message ?? 'the connection to the object store failed'}`, {
        retryable: ours?.retryable ?? true,
        outcome: isChange && exchange.isSent ? 'unknown' : undefined,
        cause: ours?.cause ?? error,
      })
    } finally {
      patience.end()
      stopListening()
    }
  }

  async #fetch<T>(call: S3Call<T>, exchange: Exchange, read: ReadAnswer<T>): Promise<Ending<T>> {
    const { credentials, region, fetch, sendsStreams } = this.#options
    const { method, url, body, instead = {} } = call
    const { abort, onProgress } = exchange
    const current = await credentials.current()
    exchange.hasCredentials = true
    const headers = await signRequest(call, { credentials: current, region })
    abort.signal.throwIfAborted()
    exchange.isSent = true
    // A signature is for one host, so a redirection cannot be followed.
    const response = await fetch(url.href, {
      method,
      headers,
      signal: abort.signal,
      redirect: 'manual',
      ...(body && requestBody(body, headers, sendsStreams)),
    })
    onProgress()
    if (response.ok) return { kind: 'success', result: await read(response, onProgress) }

    // Browsers hide the status of a redirection.
    const status = response.type === 'opaqueredirect' ? 301 : response.status
    const answer = parseErrorAnswer(status, await readErrorText(response, onProgress))
    const { code = '' } = answer
    if (Object.hasOwn(instead, code)) return { kind: 'success', result: instead[code]! }
    return { kind: 'error', answer, canRenew: haveCredentialsEnded(answer) && credentials.renew(current) }
  }
}

/** Reads the body of an error; nothing if it is too long for one of an object store. */
async function readErrorText(response: Response, onProgress: () => void): Promise<string> {
  try {
    return await readText(response, MAX_ERROR_BYTES, onProgress)
  } catch (error) {
    if ((error as Error).name === 'BackendError') return ''
    // If it is cut off, the status alone does not tell an object that is absent from a bucket that is.
    throw error
  }
}

/**
 * Reads the answer to a change. Every object store leaves its body empty; whatever else answers with 200, such as a web server
 * or a login page of a network, has changed nothing.
 *
 * @throws {BackendError} if there is a body.
 */
export async function readEmpty(response: Response, onProgress: () => void): Promise<void> {
  const text = await readText(response, MAX_ERROR_BYTES, onProgress).catch((error: Error) => {
    if (error.name === 'BackendError') return error.message
    throw error
  })
  if (text.trim() !== '') throw new BackendError('the answer is not that of an object store', { retryable: false })
}
