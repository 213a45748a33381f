import { BlockBuffer } from '../../bytes/block-buffer.ts'
import type { Checksum } from '../checksums.ts'
import { CODEC_NONE } from '../rows/row-values.ts'

/** What a stream begins with, lest a short one costs a whole block of memory; these bytes are copied once more. */
const FIRST_BUFFER_BYTES = 64 * 1024

/** A block that has been cut off, as it will be stored. */
export interface CutBlock {
  /** The bytes of the block, valid until it is given back. */
  readonly raw: Uint8Array
  /** The bytes of the object. */
  readonly stored: Uint8Array
  /** How the bytes of the object were made from those of the block. */
  readonly codec: number
  /** The xxh64 of the object. */
  readonly checksum: Uint8Array
}

/**
 * Cuts a stream of bytes into blocks, and makes the stored form of each. It is synchronous. All blocks have one size;
 * only this class knows where they end and how they are encoded.
 */
export class BlockCutter {
  readonly #blockSize: number
  readonly #checksum: Checksum
  readonly #buffers = new Map<CutBlock, BlockBuffer>()
  readonly #free: BlockBuffer[] = []
  /** The block that is being filled. */
  #buffer: BlockBuffer | undefined
  #begun = false

  constructor(blockSize: number, checksum: Checksum) {
    this.#blockSize = blockSize
    this.#checksum = checksum
  }

  /** Takes bytes up to the end of a block, and tells how many these were; `block`, if one is complete now. */
  push(chunk: Uint8Array): { readonly taken: number; readonly block?: CutBlock } {
    const buffer = this.#roomyBuffer()
    this.#buffer = buffer
    const taken = buffer.fill(chunk)
    return buffer.byteLength === this.#blockSize ? { taken, block: this.#cut(buffer) } : { taken }
  }

  /** The last block, if there are bytes that fill none. */
  end(): CutBlock | undefined {
    const buffer = this.#buffer
    return buffer && buffer.byteLength > 0 ? this.#cut(buffer) : undefined
  }

  /** Takes a block back whose bytes are needed no longer; its memory serves the next ones. */
  giveBack(block: CutBlock): void {
    const buffer = this.#buffers.get(block)
    this.#buffers.delete(block)
    if (!buffer) return
    buffer.clear()
    this.#free.push(buffer)
  }

  #cut(buffer: BlockBuffer): CutBlock {
    this.#buffer = undefined
    const { bytes } = buffer
    const block: CutBlock = { raw: bytes, stored: bytes, codec: CODEC_NONE, checksum: this.#checksum(bytes) }
    this.#buffers.set(block, buffer)
    return block
  }

  /** A buffer with room for some more of the block. */
  #roomyBuffer(): BlockBuffer {
    const buffer = this.#buffer
    if (buffer && !buffer.full) return buffer
    if (!this.#begun) {
      this.#begun = true
      return new BlockBuffer(Math.min(this.#blockSize, FIRST_BUFFER_BYTES))
    }
    const whole = this.#free.pop() ?? new BlockBuffer(this.#blockSize)
    if (buffer) whole.fill(buffer.bytes)
    return whole
  }
}
