import { BlockBuffer } from '../../bytes/block-buffer.ts'
import type { BackgroundHash } from '../../bytes/hashing/background-sha256.ts'
import type { Checksum } from '../checksums.ts'
import type { EncodeBlock } from '../codecs/block-codecs.ts'

/**
 * The most that is allocated before there are more bytes, lest a short stream costs a whole block of memory; these bytes
 * are copied once more.
 */
const SHORT_BUFFER_BYTES = 64 * 1024

/** A block that has been cut off, as it will be stored. */
export interface CutBlock {
  /** Number of bytes of the block. */
  readonly rawLength: number
  /** The bytes of the object, valid until the block is given back. */
  readonly stored: Uint8Array
  /** How the bytes of the object were made from those of the block. */
  readonly codec: number
  /** The xxh64 of the object. */
  readonly checksum: Uint8Array
}

/** What a {@linkcode BlockCutter} needs. */
export interface BlockCutterOptions {
  /** Bytes of every block but the last. */
  readonly blockSize: number
  readonly encode: EncodeBlock
  readonly checksum: Checksum
  /** Gets all bytes of the stream. */
  readonly digest: BackgroundHash
}

/**
 * Cuts a stream of bytes into blocks, and makes the stored form of each. It is synchronous, but the hash of the stream may
 * go on elsewhere. All blocks have one size; only this class knows where they end.
 */
export class BlockCutter {
  readonly #options: BlockCutterOptions
  readonly #buffers = new Map<CutBlock, BlockBuffer>()
  readonly #free: BlockBuffer[] = []
  /** The block that is being filled. */
  #buffer: BlockBuffer | undefined
  #begun = false
  #cutBlocks = 0
  /** Settles when the hash of the stream has caught up; undefined if it has. */
  hashing: Promise<void> | undefined

  constructor(options: BlockCutterOptions) {
    this.#options = options
  }

  /** Takes bytes up to the end of a block, and tells how many these were; `block`, if one is complete now. */
  push(chunk: Uint8Array): { readonly taken: number; readonly block?: CutBlock } {
    const buffer = this.#roomyBuffer(chunk.byteLength)
    this.#buffer = buffer
    const taken = buffer.fill(chunk)
    return buffer.byteLength === this.#options.blockSize ? { taken, block: this.#cut(buffer) } : { taken }
  }

  /** The last block, if there are bytes that fill none. */
  end(): CutBlock | undefined {
    const buffer = this.#buffer
    return buffer && buffer.byteLength > 0 ? this.#cut(buffer) : undefined
  }

  /**
   * All bytes of a stream that has at most `most` of them and fills no block, as a copy, for a stream that is to have no
   * blocks. If it returns undefined, the last block is still to be cut.
   */
  endAsContent(most: number): Uint8Array | undefined {
    const bytes = this.#buffer?.bytes
    if (this.#cutBlocks > 0 || !bytes || bytes.byteLength === 0 || bytes.byteLength > most) return undefined
    void this.#options.digest.update(bytes)
    return bytes.slice()
  }

  /** Takes a block back whose bytes are needed no longer; its memory serves the next ones. */
  giveBack(block: CutBlock): void {
    const buffer = this.#buffers.get(block)
    this.#buffers.delete(block)
    if (buffer) this.#release(buffer)
  }

  #cut(buffer: BlockBuffer): CutBlock {
    this.#buffer = undefined
    this.#cutBlocks++
    const raw = buffer.bytes
    const { encode, checksum, digest } = this.#options
    this.hashing = digest.update(raw) ?? undefined
    const { stored, codec } = encode(raw)
    const block: CutBlock = { rawLength: raw.byteLength, stored, codec, checksum: checksum(stored) }
    if (stored === raw) this.#buffers.set(block, buffer)
    else this.#release(buffer)
    return block
  }

  #release(buffer: BlockBuffer): void {
    buffer.clear()
    this.#free.push(buffer)
  }

  /** A buffer with room for some more of the block: for all of the first chunk, if that is short, and nothing else. */
  #roomyBuffer(chunkBytes: number): BlockBuffer {
    const buffer = this.#buffer
    const { blockSize } = this.#options
    if (buffer && !buffer.full) return buffer
    const shortBytes = Math.min(blockSize, SHORT_BUFFER_BYTES)
    if (!this.#begun) {
      this.#begun = true
      return new BlockBuffer(Math.min(shortBytes, chunkBytes))
    }
    const isShort = buffer !== undefined && buffer.byteLength < shortBytes
    const longer = isShort ? new BlockBuffer(shortBytes) : (this.#free.pop() ?? new BlockBuffer(blockSize))
    if (buffer) longer.fill(buffer.bytes)
    return longer
  }
}
