import type { ServerResponse } from 'node:http'
import { markHandled } from '../bytes/promises.ts'

/** Size of a buffer: a block of a stored stream fits into it. */
const BUFFER_BYTES = 1024 * 1024

/** Number of buffers that all answers of a server share. */
const MAX_BUFFERS = 8

/** A client that takes longer than this for a chunk, in milliseconds, gets no buffer for the next one. */
const SLOW_MS = 200

/** Buffers that the answers of a server are read into, again and again: making a new one takes longer than filling it. */
export class SendBuffers {
  readonly #free: ArrayBuffer[] = []
  #lent = 0

  /** Lends a buffer; undefined if all are lent. */
  lend(): ArrayBuffer | undefined {
    if (this.#lent === MAX_BUFFERS) return undefined
    this.#lent++
    return this.#free.pop() ?? new ArrayBuffer(BUFFER_BYTES)
  }

  /** Takes a lent buffer back; undefined says that it is lost, or that something may still refer to its bytes. */
  giveBack(buffer: ArrayBuffer | undefined): void {
    this.#lent--
    if (buffer) this.#free.push(buffer)
  }
}

/**
 * Sends a body as fast as the client takes it, and ends the answer. If the body fails, the connection breaks off; if the
 * client disconnects, the body is cancelled at once.
 *
 * A fast client is sent what fits into one buffer at a time: while the socket has bytes left, the store reads ahead. For a
 * slow client, which would keep the buffer for long, and if there is no buffer, chunks are new memory.
 */
export async function sendBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  response: ServerResponse,
  buffers: SendBuffers,
): Promise<void> {
  let chunks: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  let filler: ReadableStreamBYOBReader | undefined
  let endWrite: ((isWritten: boolean) => void) | undefined
  const onClose = (): void => {
    endWrite?.(false)
    markHandled((filler ?? chunks ?? body).cancel())
  }
  response.once('close', onClose)
  // The connection has closed, which is what counts.
  response.on('error', () => undefined)
  if (response.destroyed) onClose()

  /** Resolves with false if the connection has closed, which may leave the write without an end. */
  const write = (chunk: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      endWrite = resolve
      response.write(chunk, (error) => {
        // It may come before the event.
        if (error) onClose()
        else resolve(true)
      })
    })
  const sendChunk = async (): Promise<boolean> => {
    filler?.releaseLock()
    filler = undefined
    chunks ??= body.getReader()
    const { value } = await chunks.read()
    return value !== undefined && (await write(value))
  }
  const sendFilled = async (buffer: ArrayBuffer): Promise<boolean> => {
    let spare: ArrayBuffer | undefined
    try {
      chunks?.releaseLock()
      chunks = undefined
      filler ??= body.getReader({ mode: 'byob' })
      const { value, done } = await filler.read(new Uint8Array(buffer))
      if (done) spare = value?.buffer
      else if (await write(value)) spare = value.buffer
      return !done && spare !== undefined
    } finally {
      buffers.giveBack(spare)
    }
  }

  try {
    for (let isFast = false; ;) {
      const begun = performance.now()
      const buffer = isFast ? buffers.lend() : undefined
      if (!(await (buffer ? sendFilled(buffer) : sendChunk()))) break
      isFast = performance.now() - begun < SLOW_MS
    }
    response.end()
  } catch {
    // The handler has reported it.
    response.destroy()
  } finally {
    response.off('close', onClose)
  }
}
