import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import { isTransient } from '../../bytes/is-transient.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { markHandled } from '../../bytes/promises.ts'
import { BackendError, FormatError } from '../../errors.ts'
import type { WatchOptions } from '../../hive/hive.ts'
import { type HiveChange, MISSED } from '../../hive/hive-change.ts'
import { checkListOptions } from '../../hive/list-options.ts'
import { bodyOf } from '../protocol/message-body.ts'
import { StallTimer } from '../protocol/stall-timer.ts'
import { EVENT_STREAM_TYPE, HEARTBEAT_MS, MISSED_EVENT, parseChange } from '../protocol/watch-events.ts'
import { retryAdvice } from './answer-error.ts'
import { backOffMs, sleep } from './back-off.ts'
import { EventParser } from './event-parser.ts'
import type { HttpClient } from './http-client.ts'

/**
 * Streams the changes of a hive on a server. The request is sent at once; its answer is read as the stream is. It holds
 * the changes of one chunk of the answer. When the answer breaks off, or brings nothing for too long, another request
 * resumes it, however often that takes.
 *
 * @throws {TypeError} at once, if an option is of a wrong type.
 */
export function watchStream(client: HttpClient, options: WatchOptions): ReadableStream<HiveChange> {
  const { prefix } = checkListOptions({ prefix: options.prefix })
  const { onAlive = () => undefined } = options
  if (typeof onAlive !== 'function') throw new TypeError(`onAlive must be a function, got ${describeValue(onAlive)}`)
  const watch = new Watch(client, prefix, onAlive)
  let stopListening = (): void => undefined
  return new ReadableStream<HiveChange>(
    {
      start(controller) {
        stopListening = onAbort([options.signal], (reason) => {
          controller.error(reason)
          watch.close(reason)
        })
        if (!options.signal?.aborted) watch.begin()
      },
      async pull(controller) {
        try {
          controller.enqueue(await watch.next())
        } catch (error) {
          stopListening()
          watch.close(error)
          throw error
        }
      },
      cancel(reason) {
        stopListening()
        watch.close(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/** An answer that is being read. */
interface OpenWatch {
  readonly chunks: ChunkReader
  readonly parser: EventParser
  readonly status: number
}

class Watch {
  readonly #client: HttpClient
  readonly #prefix: string
  readonly #onAlive: (isAlive: boolean) => void
  readonly #closed = new AbortController()
  readonly #stall: StallTimer
  /** Changes that have arrived and were not delivered. */
  #arrived: HiveChange[] = []
  #opening: Promise<OpenWatch> | undefined
  #answer: OpenWatch | undefined
  #lastEventId: string | undefined
  /** Failures since something arrived, besides the first bytes of an answer. */
  #failures = 0
  /** Milliseconds that the server asked to wait for. */
  #retryAfter: string | null = null
  #isFirstChunk = true

  constructor(client: HttpClient, prefix: string, onAlive: (isAlive: boolean) => void) {
    this.#client = client
    this.#prefix = prefix
    this.#onAlive = onAlive
    const timeoutMs = Math.max(client.stallTimeoutMs, 2 * HEARTBEAT_MS)
    this.#stall = new StallTimer(timeoutMs, () => this.#drop(undefined))
  }

  begin(): void {
    this.#opening = this.#open()
    // If it fails, that shows when the stream is read.
    markHandled(this.#opening)
  }

  async next(): Promise<HiveChange> {
    for (;;) {
      const change = this.#arrived.shift()
      if (change) return change
      try {
        if (!this.#answer) await this.#connect()
        await this.#receive(this.#answer!)
      } catch (error) {
        this.#closed.signal.throwIfAborted()
        if (!isTransient(error)) throw error
        this.#drop(error)
        await this.#backOff(error)
      }
    }
  }

  close(reason: unknown): void {
    this.#closed.abort(reason)
    this.#stall.stop()
    this.#drop(reason)
    markHandled(this.#opening?.then(({ chunks }) => chunks.cancel(reason)))
  }

  async #connect(): Promise<void> {
    const opening = this.#opening ?? this.#open()
    this.#opening = undefined
    const answer = await opening
    const { signal } = this.#closed
    if (signal.aborted) {
      markHandled(answer.chunks.cancel(signal.reason))
      throw signal.reason
    }
    // Without a position, the server cannot say what has happened since the first attempt.
    if (this.#failures > 0 && this.#lastEventId === undefined) this.#arrived.push(MISSED)
    this.#isFirstChunk = true
    this.#answer = answer
  }

  async #open(): Promise<OpenWatch> {
    const { signal } = this.#closed
    const client = this.#client
    const url = client.url('', { watch: '', prefix: this.#prefix || undefined })
    const id = this.#lastEventId
    const headers = { Accept: EVENT_STREAM_TYPE, ...(id !== undefined && { 'Last-Event-ID': id }) }
    const response = await client.withTimeout(signal, (given) =>
      client.send({ method: 'GET', url, headers, signal: given }),
    )
    if (!response.ok) {
      const { mayPass, again } = await retryAdvice(response, { signal, stallTimeoutMs: client.stallTimeoutMs })
      this.#retryAfter = mayPass ? again.headers.get('retry-after') : null
      throw await client.errorOf(again, {}, signal)
    }
    const { status } = response
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    const body = type === EVENT_STREAM_TYPE ? await bodyOf(response) : undefined
    if (!body) {
      markHandled(response.body?.cancel())
      throw new FormatError('the server does not send changes: is this a hive that can be watched?', {
        reason: 'invalid',
        status,
      })
    }
    return { chunks: new ChunkReader(body), parser: new EventParser(), status }
  }

  async #receive({ chunks, parser, status }: OpenWatch): Promise<void> {
    this.#stall.begin()
    const chunk = await chunks.read().catch(() => undefined)
    this.#stall.end()
    this.#closed.signal.throwIfAborted()
    if (!chunk) throw lost()
    this.#onAlive(true)
    for (const { type, data } of parser.push(chunk)) {
      if (type === MISSED_EVENT) this.#arrived.push(MISSED)
      else if (type === 'message') this.#arrived.push(parseChange(data, this.#prefix, status))
    }
    this.#lastEventId = parser.lastEventId ?? this.#lastEventId
    // A server that only accepts requests and drops them at once must not be asked without a pause.
    if (!this.#isFirstChunk || this.#arrived.length > 0) this.#failures = 0
    this.#isFirstChunk = false
  }

  #drop(reason: unknown): void {
    if (!this.#answer) return
    markHandled(this.#answer.chunks.cancel(reason))
    this.#answer = undefined
    this.#onAlive(false)
  }

  async #backOff(error: unknown): Promise<void> {
    const waitMs = backOffMs(++this.#failures, this.#retryAfter)
    this.#retryAfter = null
    if (waitMs === undefined) throw error
    await sleep(waitMs, this.#closed.signal)
  }
}

function lost(): BackendError {
  return new BackendError('the connection broke off', { retryable: true })
}
