/** A part of the input, ready to be sent. */
export interface InputPart {
  /** Holds the input at its start. */
  readonly buffer: ArrayBuffer
  /** Length of the input in bytes. */
  readonly byteLength: number
}

/** Collects input in parts of equal length. Buffers are reused when they come back. */
export class InputParts {
  readonly #partLength: number
  /** The buffer of the next part, created when needed. */
  #part: Uint8Array<ArrayBuffer> | undefined
  #byteLength = 0
  #spare: ArrayBuffer[] = []

  /** Every part but the last has `partLength` bytes. */
  constructor(partLength: number) {
    this.#partLength = partLength
  }

  /** Bytes collected for the next part. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** Whether the next part is complete. */
  get isFull(): boolean {
    return this.#byteLength === this.#partLength
  }

  /** Collects as much of the input as the next part has room for. Returns how many bytes. */
  fill(input: Uint8Array): number {
    if (input.byteLength === 0) return 0
    this.#part ??= new Uint8Array(this.buffer())
    const piece = input.subarray(0, this.#partLength - this.#byteLength)
    this.#part.set(piece, this.#byteLength)
    this.#byteLength += piece.byteLength
    return piece.byteLength
  }

  /** Hands over the collected part. */
  take(): InputPart {
    const part = { buffer: this.#part?.buffer ?? new ArrayBuffer(0), byteLength: this.#byteLength }
    this.#part = undefined
    this.#byteLength = 0
    return part
  }

  /** Returns a buffer of a part's length with arbitrary contents. */
  buffer(): ArrayBuffer {
    return this.#spare.pop() ?? new ArrayBuffer(this.#partLength)
  }

  /** Takes buffers back for reuse. */
  giveBack(...buffers: ArrayBuffer[]): void {
    this.#spare.push(...buffers)
  }

  /** Drops everything. */
  clear(): void {
    this.#part = undefined
    this.#byteLength = 0
    this.#spare = []
  }
}
