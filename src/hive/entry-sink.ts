import { asBytes } from '../bytes/chunk-reader.ts'
import { closeWriter } from '../bytes/close-writer.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { markHandled } from '../bytes/promises.ts'
import { QuotaExceededError } from '../errors.ts'
import type { Entry, EntrySink } from './hive.ts'

/** What an {@linkcode entrySink} writes to, once it is open. */
export interface EntryTarget {
  /** Takes the bytes; if it is aborted, nothing is stored. */
  readonly writable: WritableStream<Uint8Array>
  /** Settles when what was written has been committed, or has failed. */
  readonly entry: Promise<Entry>
}

/** Options of {@linkcode entrySink}. */
export interface EntrySinkOptions {
  /** Aborts the sink. */
  readonly signal?: AbortSignal | undefined
  /**
   * Largest number of bytes to take.
   * @default Infinity
   */
  readonly maxBytes?: number | undefined
}

/**
 * Makes the sink that a `LocalHive` returns. It opens its target at once, so that a write that cannot succeed fails
 * before its bytes have been sent, and passes everything on to it. An abort takes effect at once, even while a write is
 * held.
 *
 * `open` gets a signal that aborts, with the reason, when the sink or `signal` is aborted.
 */
export function entrySink(
  open: (signal: AbortSignal) => Promise<EntryTarget>,
  { signal, maxBytes = Infinity }: EntrySinkOptions,
): EntrySink {
  let taken = 0
  const giveUp = new AbortController()
  let target: EntryTarget
  let writer: WritableStreamDefaultWriter<Uint8Array>
  let settle: { resolve(entry: Entry): void; reject(reason: unknown): void }
  const entry = new Promise<Entry>((resolve, reject) => {
    settle = { resolve, reject }
  })
  markHandled(entry)

  /** Once the target is being closed, only it knows how that ends: an abort may come too late. */
  let closing = false
  let stopListening = (): void => undefined
  const fail = (reason: unknown): void => {
    stopListening()
    giveUp.abort(reason)
    if (writer) markHandled(writer.abort(reason))
    if (!closing) settle.reject(reason)
  }
  /** Runs a step of the target; if it fails, so does the sink. */
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      fail(error)
      throw error
    }
  }

  const writable = new WritableStream<Uint8Array>(
    {
      async start(controller) {
        // `abort()` below is held back by a pending write; this signal is not.
        onAbort([controller.signal], fail)
        stopListening = onAbort([signal], (reason) => {
          controller.error(reason)
          fail(reason)
        })
        target = await step(() => open(giveUp.signal))
        markHandled(target.entry)
        writer = target.writable.getWriter()
        // The target may fail between two writes, and another write may never come.
        writer.closed.catch((reason: unknown) => {
          if (closing || giveUp.signal.aborted) return
          controller.error(reason)
          fail(reason)
        })
        if (giveUp.signal.aborted) await writer.abort(giveUp.signal.reason)
      },
      write: (chunk) =>
        step(async () => {
          taken += asBytes(chunk).byteLength
          if (taken > maxBytes) {
            throw new QuotaExceededError(`the entry is larger than ${maxBytes} bytes`, { limit: maxBytes })
          }
          await writer.write(chunk)
        }),
      async close() {
        closing = true
        try {
          await step(() => closeWriter(writer))
          settle.resolve(await step(() => target.entry))
        } catch (error) {
          settle.reject(error)
          throw error
        }
        stopListening()
      },
      abort: (reason) => fail(reason),
    },
    { highWaterMark: 1 },
  )
  return Object.assign(writable, { entry })
}
