import { HostTurns } from './host-turns.ts'
import { markHandled } from './promises.ts'

/** Makes the chunks of a {@linkcode byteStream}. */
export interface ByteProducer {
  /** Called once, at once, with a function that makes the stream fail, even when no chunk is being asked for. */
  start?(fail: (reason: unknown) => void): void
  /**
   * Makes the next chunk; undefined is the end, a rejection is the stream's error. It is called only when a reader
   * waits, and not again before it has settled. The chunk is given away: it must be a whole ArrayBuffer that nothing
   * else uses, since a byte stream detaches it.
   */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined> | Uint8Array<ArrayBuffer> | undefined
  /**
   * Does the same into a buffer that a reader brings: fills it from its start, and returns the number of bytes, 0 at
   * the end. If it gave the buffer away and got it back in another array, it returns that array, as long as what was
   * filled. Without this method, chunks are copied into the buffer.
   */
  fill?(buffer: Uint8Array<ArrayBuffer>): Promise<number | Uint8Array<ArrayBuffer>> | number
  /**
   * Called when the reader has gone, perhaps while `next` is pending, to free everything. Its result is that of
   * `cancel()`.
   */
  cancel(reason: unknown): Promise<void> | void
}

/** Whether the host has byte streams of use, which WebKit and workerd do not; found out at the first stream, never at import. */
let hasByteStreams: boolean | undefined

/**
 * Makes a readable stream that asks its producer for a chunk only when a reader waits for one: nothing is read ahead.
 * It is a byte stream, with BYOB readers, where the host has those; elsewhere it is a default stream that behaves the
 * same.
 */
export function byteStream(producer: ByteProducer): ReadableStream<Uint8Array<ArrayBuffer>> {
  let cancelled = false
  const turns = new HostTurns()
  const start = (controller: ReadableByteStreamController | ReadableStreamDefaultController): void => {
    producer.start?.((reason) => {
      if (!cancelled) controller.error(reason)
    })
  }
  const next = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    let chunk = await producer.next()
    while (chunk?.byteLength === 0) chunk = await producer.next()
    await turns.spend(chunk?.byteLength ?? 0)
    return chunk
  }
  const cancel = (reason: unknown): Promise<void> | void => {
    cancelled = true
    return producer.cancel(reason)
  }

  if (canMakeByteStreams()) {
    return new ReadableStream(
      {
        type: 'bytes',
        start,
        async pull(controller) {
          const request = controller.byobRequest
          if (request && producer.fill) {
            const filled = await producer.fill(request.view as Uint8Array<ArrayBuffer>)
            const byteLength = typeof filled === 'number' ? filled : filled.byteLength
            await turns.spend(byteLength)
            if (cancelled) return
            if (byteLength === 0) controller.close()
            if (typeof filled === 'number') request.respond(filled)
            else request.respondWithNewView(filled)
            return
          }
          const chunk = await next()
          if (cancelled) return
          if (chunk) {
            controller.enqueue(chunk)
          } else {
            controller.close()
            // A BYOB read that is pending at the end is settled by an empty answer, not by close().
            controller.byobRequest?.respond(0)
          }
        },
        cancel,
      },
      { highWaterMark: 0 },
    )
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start,
      async pull(controller) {
        const chunk = await next()
        if (cancelled) return
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
      cancel,
    },
    { highWaterMark: 0 },
  )
}

/** Whether this host can construct byte streams that deliver chunks as they are. */
export function canMakeByteStreams(): boolean {
  hasByteStreams ??= probeByteStreams()
  return hasByteStreams
}

function probeByteStreams(): boolean {
  try {
    // The reader is part of the test: a host that ignores an unknown `type` would make a default stream.
    new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' }).releaseLock()
    return !allocatesBuffers()
  } catch {
    return false
  }
}

/**
 * Whether the host gives a reader without a buffer one of its own, although that was not asked for. Those of workerd have 4 KiB,
 * and a chunk of any size is delivered in such pieces. It calls `pull` at once; other hosts do so later, without a buffer.
 */
function allocatesBuffers(): boolean {
  let allocates = false
  const reader = new ReadableStream(
    {
      type: 'bytes',
      pull(controller) {
        allocates = Boolean(controller.byobRequest)
      },
    },
    { highWaterMark: 0 },
  ).getReader()
  markHandled(reader.read())
  markHandled(reader.cancel())
  return allocates
}
