// Turns Node into a host without streams of its own, as old web views and bare engines are, and then does what a program
// there does first: imports the polyfill. So the portable tests meet a second implementation of streams.

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

const NativeReadableStream = ReadableStream
for (const name of NATIVE) Reflect.deleteProperty(globalThis, name)
await import('../../src/polyfill.ts')
if (ReadableStream === NativeReadableStream) throw new Error('the host still has its own streams')

// Not before: what it imports makes Node load its own fetch, which then knows no streams but Node's.
globalThis.fetch = (await import('./streamless-fetch.ts')).streamlessFetch

/**
 * Node's Blob and bodies keep to its native streams, which such a host has not: where tests meet them, they get the
 * polyfill's. Nothing native is read before the first pull, so a body that was only looked at can still be consumed.
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
