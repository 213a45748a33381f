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
