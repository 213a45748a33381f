/** One block that is filled piece by piece. No byte is copied on its way, except into this block. */
export class BlockBuffer {
  readonly #block: Uint8Array<ArrayBuffer>
  #byteLength = 0

  /** Allocates a block of `capacity` bytes. */
  constructor(capacity: number) {
    this.#block = new Uint8Array(capacity)
  }

  /** Number of bytes that have been filled in. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** Whether the block is full. */
  get full(): boolean {
    return this.#byteLength === this.#block.byteLength
  }

  /** The bytes filled in so far: a view, valid until {@linkcode BlockBuffer.clear}. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#block.subarray(0, this.#byteLength)
  }

  /** Copies as much of `chunk` as fits, and returns how many bytes that was. */
  fill(chunk: Uint8Array): number {
    const room = this.#block.byteLength - this.#byteLength
    const piece = chunk.byteLength > room ? chunk.subarray(0, room) : chunk
    this.#block.set(piece, this.#byteLength)
    this.#byteLength += piece.byteLength
    return piece.byteLength
  }

  /** Makes the block empty, to be filled again. */
  clear(): void {
    this.#byteLength = 0
  }
}
