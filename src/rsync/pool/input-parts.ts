/** Input as it is sent. */
export interface InputPart {
  /** Holds the input, at its start. */
  readonly buffer: ArrayBuffer
  /** Bytes of the input. */
  readonly byteLength: number
}

/** Collects input in parts of one length, in buffers that are used again when they have come back. */
export class InputParts {
  readonly #partLength: number
  /** What is collected for the next part; made when it is needed. */
  #part: Uint8Array<ArrayBuffer> | undefined
  #byteLength = 0
  #spare: ArrayBuffer[] = []

  /** Parts are of `partLength` bytes, but for the last one. */
  constructor(partLength: number) {
    this.#partLength = partLength
  }

  /** Bytes that are collected for the next part. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** Whether the next part is complete. */
  get isFull(): boolean {
    return this.#byteLength === this.#partLength
  }

  /** Collects as much of the input as the next part has room for; returns how much. */
  fill(input: Uint8Array): number {
    if (input.byteLength === 0) return 0
    this.#part ??= new Uint8Array(this.buffer())
    const piece = input.subarray(0, this.#partLength - this.#byteLength)
    this.#part.set(piece, this.#byteLength)
    this.#byteLength += piece.byteLength
    return piece.byteLength
  }

  /** Gives what is collected away. */
  take(): InputPart {
    const part = { buffer: this.#part?.buffer ?? new ArrayBuffer(0), byteLength: this.#byteLength }
    this.#part = undefined
    this.#byteLength = 0
    return part
  }

  /** A buffer of a part's length, with anything in it. */
  buffer(): ArrayBuffer {
    return this.#spare.pop() ?? new ArrayBuffer(this.#partLength)
  }

  /** Takes such buffers back. */
  giveBack(...buffers: ArrayBuffer[]): void {
    this.#spare.push(...buffers)
  }

  /** Lets go of everything. */
  clear(): void {
    this.#part = undefined
    this.#byteLength = 0
    this.#spare = []
  }
}
