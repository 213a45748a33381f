import { closeWriter } from '../bytes/close-writer.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { markHandled } from '../bytes/promises.ts'

/** Size of each of the two buffers. */
const BUFFER_BYTES = 1024 * 1024

/** Options of {@linkcode pipeReusing}. */
export interface PipeReusingOptions {
  /** Stops the transfer. */
  readonly signal: AbortSignal
  /** Called with the number of bytes of each chunk before it is written. */
  readonly onChunk?: ((byteLength: number) => void) | undefined
}

/**
 * Pipes a byte stream into a sink as `pipeTo` does, but through two buffers that are used again and again: one is filled
 * while the other is written. For `pipeTo`, each chunk is new memory, which takes longer to get than to fill.
 *
 * The sink must not need a chunk any more once its write has resolved, and the source must not wait for anyone, as a pipe
 * would: a sink that fails is noticed at the next write.
 */
export async function pipeReusing(
  from: ReadableStream<Uint8Array>,
  to: WritableStream<Uint8Array>,
  { signal, onChunk }: PipeReusingOptions,
): Promise<void> {
  const reader = from.getReader({ mode: 'byob' })
  const writer = to.getWriter()
  markHandled(writer.closed)
  // Only the first abort of a sink waits for its end.
  let end: Promise<unknown> | undefined
  const giveUp = (reason: unknown): Promise<unknown> =>
    (end ??= Promise.allSettled([reader.cancel(reason), writer.abort(reason)]))
  const stop = onAbort([signal], (reason) => void giveUp(reason))
  const read = (buffer: ArrayBuffer): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> => {
    const result = reader.read(new Uint8Array(buffer))
    markHandled(result)
    return result
  }
  try {
    let filling = read(new ArrayBuffer(BUFFER_BYTES))
    let spare = new ArrayBuffer(BUFFER_BYTES)
    for (;;) {
      const { done, value } = await filling
      signal.throwIfAborted()
      if (done) break
      filling = read(spare)
      onChunk?.(value.byteLength)
      await writer.write(value)
      spare = value.buffer
    }
    await closeWriter(writer)
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error
    await giveUp(reason)
    throw reason
  } finally {
    stop()
  }
}
