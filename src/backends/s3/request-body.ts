/** The part of the options of `fetch` that says what is sent. */
export interface RequestBody {
  readonly body: BodyInit
  /** Which `fetch` requires for a stream. */
  readonly duplex?: 'half'
}

/**
 * Whether the host's `fetch` sends a stream with the `Content-Length` that it is given, and gains by that: Node's does. Deno sends
 * such a stream in chunks, which object stores refuse; browsers let no code set the length; Bun is as fast with arrays.
 */
export function sendsStreams(): boolean {
  const { navigator } = globalThis as { navigator?: { readonly userAgent?: string } }
  return navigator?.userAgent?.startsWith('Node.js/') === true
}

/**
 * The body of a request. As a stream, the bytes are sent from where they are, and `headers` gets their length. Node's `fetch`
 * copies an array twice, into new memory, whose collection takes longer than the copies do. It closes the connection of a
 * request that is aborted, or answered too early, so nothing is sent from this memory once the answer has been read.
 */
export function requestBody(bytes: Uint8Array<ArrayBuffer>, headers: Headers, asStream: boolean): RequestBody {
  if (!asStream || bytes.byteLength === 0) return { body: bytes }
  headers.set('Content-Length', String(bytes.byteLength))
  // Not a byte stream, which would detach them.
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        controller.enqueue(bytes)
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return { body, duplex: 'half' }
}
