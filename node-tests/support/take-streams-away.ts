// Turns Node into a host without its own streams, like old web views and bare engines. Then imports the polyfill, as a
// program there would do first. This way the portable tests also run with a second implementation of streams.

const NATIVE = [
  'ByteLengthQueuingStrategy',
  'CompressionStream',
  'CountQueuingStrategy',
  'DecompressionStream',
  'ReadableByteStreamController',
  'ReadableStream',
  'ReadableStreamBYOBReader',
  'ReadableStreamBYOBRequest',
  'ReadableStreamDefaultController',
  'ReadableStreamDefaultReader',
  'TextDecoderStream',
  'TextEncoderStream',
  'TransformStream',
  'TransformStreamDefaultController',
  'WritableStream',
  'WritableStreamDefaultController',
  'WritableStreamDefaultWriter',
]

/** Node's own class, for comparison. */
export const NativeReadableStream: typeof ReadableStream = ReadableStream
for (const name of NATIVE) Reflect.deleteProperty(globalThis, name)
await import('../../src/polyfill.ts')

// Not earlier: its imports make Node load its own fetch, which would then accept only Node's streams.
globalThis.fetch = (await import('./streamless-fetch.ts')).streamlessFetch

/**
 * Node's Blob and bodies return native streams, which such a host does not have, so tests get a stream of the polyfill
 * instead. It reads the native one only when it is pulled, so a body that was only inspected can still be consumed.
 */
function throughPolyfill(native: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      reader ??= native.getReader()
      const { done, value } = await reader.read()
      if (!done) return controller.enqueue(value)
      controller.close()
      controller.byobRequest?.respond(0)
    },
    cancel: (reason) => (reader ?? native).cancel(reason),
  })
}

const blobStream = Object.getOwnPropertyDescriptor(Blob.prototype, 'stream')!.value as () => ReadableStream
Blob.prototype.stream = function stream() {
  return throughPolyfill(blobStream.call(this))
}

for (const { prototype } of [Request, Response]) {
  const native = Object.getOwnPropertyDescriptor(prototype, 'body')!
  const bodies = new WeakMap<object, ReadableStream>()
  Object.defineProperty(prototype, 'body', {
    ...native,
    get(this: object): ReadableStream | null {
      const body = native.get!.call(this) as ReadableStream | null
      if (!(body instanceof NativeReadableStream)) return body
      const known = bodies.get(body) ?? throughPolyfill(body)
      bodies.set(body, known)
      return known
    },
  })
}
