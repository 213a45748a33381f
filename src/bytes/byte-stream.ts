import { HostTurns } from './host-turns.ts'

/** What {@linkcode byteStream} pulls from. */
export interface ByteProducer {
  /** Called once, at once: gives the means to fail the stream at a time when no chunk is being asked for. */
  start?(fail: (reason: unknown) => void): void
  /**
   * Makes the next chunk; undefined is the end, a rejection the stream's error. Called only when a reader waits, and
   * never again before it has settled. The chunk is given away: a whole ArrayBuffer that nobody else uses, since a
   * byte stream detaches it.
   */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined> | Uint8Array<ArrayBuffer> | undefined
  /**
   * The same into the buffer of a reader that brings one: fills it from its start on, and gives the number of bytes, 0 at
   * the end. A producer without this has its chunks copied there.
   */
  fill?(buffer: Uint8Array<ArrayBuffer>): Promise<number> | number
  /** The reader has gone, perhaps while `next` is pending: free everything. Its result is what `cancel()` gives. */
  cancel(reason: unknown): Promise<void> | void
}

/** WebKit does not. Found out at the first stream, never at import. */
let hasByteStreams: boolean | undefined

/**
 * Makes a readable stream that asks its producer for a chunk only when a reader waits for one: nothing is read ahead.
 * A byte stream, with BYOB readers, where the host has them; a default stream elsewhere, same behaviour.
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
            const byteLength = await producer.fill(request.view as Uint8Array<ArrayBuffer>)
            await turns.spend(byteLength)
            if (cancelled) return
            if (byteLength === 0) controller.close()
            request.respond(byteLength)
            return
          }
          const chunk = await next()
          if (cancelled) return
          if (chunk) {
            controller.enqueue(chunk)
          } else {
            controller.close()
            // A BYOB read that waits at the end is ended by an empty answer, not by close().
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

/** Whether this host constructs byte streams. */
export function canMakeByteStreams(): boolean {
  hasByteStreams ??= probeByteStreams()
  return hasByteStreams
}

function probeByteStreams(): boolean {
  try {
    // Reading is part of the proof: a host that ignores an unknown `type` would hand out a default stream.
    new ReadableStream({ type: 'bytes' }).getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
