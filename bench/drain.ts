/** Reads a stream to its end and passes each chunk to `take`, which drops it by default. */
export async function drain(
  readable: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => void = () => {},
): Promise<void> {
  const reader = readable.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    take(value)
  }
}

/** Reads a byte stream to its end into one buffer of so many bytes, which it drops. */
export async function drainIntoBuffer(readable: ReadableStream<Uint8Array>, byteLength: number): Promise<void> {
  const reader = readable.getReader({ mode: 'byob' })
  for (let buffer = new ArrayBuffer(byteLength); ;) {
    const { done, value } = await reader.read(new Uint8Array(buffer))
    if (done) return
    buffer = value.buffer
  }
}
