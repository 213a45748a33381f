/**
 * Passes bytes on to a sink, and reports how many have been taken.
 *
 * @param {WritableStream<Uint8Array>} sink
 * @param {number} size of all bytes
 * @param {(share: number) => void} onProgress gets 0 to 1
 * @returns {WritableStream<Uint8Array>}
 */
export function reporting(sink, size, onProgress) {
  const writer = sink.getWriter()
  let taken = 0
  return new WritableStream({
    async write(chunk) {
      const { byteLength } = chunk
      await writer.write(chunk)
      taken += byteLength
      onProgress(size > 0 ? taken / size : 1)
    },
    close() {
      // It rejects with a TypeError if the sink has failed; `closed` rejects with the failure.
      writer.close().catch(() => undefined)
      return writer.closed
    },
    abort: (reason) => writer.abort(reason),
  })
}
