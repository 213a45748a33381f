/**
 * A queue of chunks, from which pieces of any size can be taken. It keeps the chunks without copying: they are given
 * away.
 */
export class ChunkQueue {
  #chunks: Uint8Array<ArrayBuffer>[] = []
  #byteLength = 0

  /** Number of bytes in the queue. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** Adds a chunk at the end. */
  push(chunk: Uint8Array<ArrayBuffer>): void {
    if (chunk.byteLength === 0) return
    this.#chunks.push(chunk)
    this.#byteLength += chunk.byteLength
  }

  /** Takes the first `byteLength` bytes out, as one array; they are not copied if they are one whole chunk. */
  take(byteLength: number): Uint8Array<ArrayBuffer> {
    if (byteLength > this.#byteLength) throw new RangeError(`${byteLength} bytes of ${this.#byteLength}`)
    this.#byteLength -= byteLength
    const first = this.#chunks[0]
    if (first?.byteLength === byteLength) {
      this.#chunks.shift()
      return first
    }
    const bytes = new Uint8Array(byteLength)
    for (let offset = 0; offset < byteLength;) {
      const chunk = this.#chunks[0]!
      const piece = chunk.subarray(0, byteLength - offset)
      bytes.set(piece, offset)
      offset += piece.byteLength
      if (piece.byteLength === chunk.byteLength) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(piece.byteLength)
    }
    return bytes
  }

  /** Empties the queue. */
  clear(): void {
    this.#chunks = []
    this.#byteLength = 0
  }
}
