import { ownBytes } from '../../bytes/byte-order.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { collect } from '../../bytes/collect.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { abortable, markHandled } from '../../bytes/promises.ts'
import { BackendError } from '../../errors.ts'
import { bodyOf } from '../protocol/message-body.ts'
import { StallTimer } from '../protocol/stall-timer.ts'

/** How the body of an answer is read. */
export interface BodyReading {
  /** Ends the reading, with its reason. */
  readonly signal: AbortSignal
  /** Milliseconds without a byte after which the body counts as lost. */
  readonly stallTimeoutMs: number
  /** `unknown` if the answer is to a request that changes something. */
  readonly outcome?: 'unknown' | undefined
}

/**
 * Passes a body on until it ends, breaks off, brings nothing for too long, or `signal` aborts. The stream then fails at
 * once, even if the source of the body does not react to being cancelled.
 */
export function timedBody(
  body: ReadableStream<Uint8Array>,
  { signal, stallTimeoutMs, outcome }: BodyReading,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = new ChunkReader(body)
  let failStream: (reason: unknown) => void = () => undefined
  const timer = new StallTimer(stallTimeoutMs, () => giveUp(stalled(stallTimeoutMs, outcome)))
  let stopListening = (): void => undefined
  const settle = (): void => {
    timer.stop()
    stopListening()
  }
  const giveUp = (reason: unknown): void => {
    settle()
    failStream(reason)
    markHandled(chunks.cancel(reason))
  }

  return byteStream({
    start(fail) {
      failStream = fail
      stopListening = onAbort([signal], giveUp)
    },
    async next() {
      try {
        timer.begin()
        const chunk = await chunks.read()
        timer.end()
        if (!chunk) settle()
        return chunk && ownBytes(chunk)
      } catch (cause) {
        settle()
        if (signal.aborted) throw signal.reason
        throw new BackendError('the connection broke off', { retryable: true, outcome, cause })
      }
    },
    cancel(reason) {
      settle()
      markHandled(chunks.cancel(reason))
    },
  })
}

/**
 * Reads the body of an answer to its end.
 *
 * @throws {QuotaExceededError} if there are more bytes than `limit`.
 * @throws {BackendError} if it breaks off, or brings nothing for too long.
 */
export async function readBody(
  response: Response,
  limit: number,
  reading: BodyReading,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = await abortable(bodyOf(response), reading.signal)
  return body ? collect(timedBody(body, reading), { limit }) : new Uint8Array(0)
}

/** The error for an answer that counts as lost. */
export function stalled(timeoutMs: number, outcome?: 'unknown'): BackendError {
  return new BackendError(`nothing has arrived for ${timeoutMs} ms`, { retryable: true, outcome })
}
