import { ownBytes } from '../../bytes/byte-order.ts'
import { FormatError, type FormatErrorReason } from '../../errors.ts'
import {
  BLOCK_BYTES,
  FLAG,
  FRAME_MAGIC,
  FRAME_VERSION,
  LEGACY_MAGIC,
  MOST_EXPANSION,
  RAW_BLOCK,
  SKIPPABLE_BITS,
  SKIPPABLE_MAGIC,
  WINDOW_BYTES,
} from './lz4-format.ts'
import type { Lz4Kernel } from './lz4-kernel.ts'
import type { Xxh32 } from './xxh32.ts'

/** Decompresses the frames that make up `bytes`, into at most `maxLength` bytes. */
export function decompressFrames(
  kernel: Lz4Kernel,
  xxh32: Xxh32,
  bytes: Uint8Array,
  maxLength: number,
): Uint8Array<ArrayBuffer> {
  const reader = new FrameReader(kernel, xxh32, bytes, maxLength)
  do reader.readFrame()
  while (!reader.ended)
  return reader.content()
}

/** What the descriptor of a frame says. */
interface Descriptor {
  readonly flags: number
  /** Bytes that a block has at most. */
  readonly blockBytes: number
  /** Bytes of the content, if it is stated. */
  readonly contentSize: number | undefined
}

class FrameReader {
  readonly #kernel: Lz4Kernel
  readonly #xxh32: Xxh32
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #maxLength: number
  #offset = 0
  /** The content so far, and space for more: exactly enough if a single frame states its size. */
  #content: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #length = 0

  constructor(kernel: Lz4Kernel, xxh32: Xxh32, bytes: Uint8Array, maxLength: number) {
    this.#kernel = kernel
    this.#xxh32 = xxh32
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#maxLength = maxLength
  }

  /** Whether all bytes have been read. */
  get ended(): boolean {
    return this.#offset === this.#bytes.byteLength
  }

  /** The content of all frames that have been read, as an array of its own. */
  content(): Uint8Array<ArrayBuffer> {
    return ownBytes(this.#content.subarray(0, this.#length))
  }

  readFrame(): void {
    const magic = this.#u32()
    if ((magic & ~SKIPPABLE_BITS) >>> 0 === SKIPPABLE_MAGIC) {
      this.#take(this.#u32())
      return
    }
    if (magic === LEGACY_MAGIC) throw this.#error('unsupported', 'the format before 2014', 4)
    if (magic !== FRAME_MAGIC) throw this.#error('magic', `not a frame of LZ4`, 4)
    const descriptor = this.#descriptor()
    const start = this.#length
    this.#blocks(descriptor)
    if (descriptor.flags & FLAG.contentChecksum) {
      const expected = this.#u32()
      if (this.#xxh32(this.#content.subarray(start, this.#length)) !== expected) {
        throw this.#error('invalid', 'the content does not match its checksum', 4)
      }
    }
  }

  #descriptor(): Descriptor {
    const start = this.#offset
    const flags = this.#u8()
    if (flags >> 6 !== FRAME_VERSION) throw this.#error('unsupported', `version ${flags >> 6}`, 1)
    if (flags & FLAG.reserved) throw this.#error('unsupported', 'a reserved flag', 1)
    const sizes = this.#u8()
    const blockBytes = BLOCK_BYTES.get(sizes >> 4)
    if (!blockBytes) throw this.#error('unsupported', `block size ${sizes >> 4}`, 1)
    const contentSize = flags & FLAG.contentSize ? this.#u64() : undefined
    if (flags & FLAG.dictionary) this.#u32()
    const described = this.#bytes.subarray(start, this.#offset)
    if (this.#u8() !== ((this.#xxh32(described) >> 8) & 0xff)) {
      throw this.#error('invalid', 'the descriptor does not match its checksum', 1)
    }
    if (flags & FLAG.dictionary) throw this.#error('unsupported', 'a dictionary', 5)
    return { flags, blockBytes, contentSize }
  }

  /** Reads the blocks up to the end mark. */
  #blocks({ flags, blockBytes, contentSize }: Descriptor): void {
    const start = this.#length
    const limit = contentSize ?? this.#maxLength - start
    if (start + limit > this.#maxLength) throw this.#error('limit', `content of ${contentSize} bytes`, 0)
    if (contentSize !== undefined) {
      if (contentSize > (this.#bytes.byteLength - this.#offset) * MOST_EXPANSION) throw this.#truncated()
      this.#reserve(contentSize)
    }
    for (let field = this.#u32(); field !== 0; field = this.#u32()) {
      const block = this.#block(field, flags, blockBytes)
      const room = Math.min(blockBytes, start + limit - this.#length)
      const windowStart = flags & FLAG.independent ? this.#length : Math.max(start, this.#length - WINDOW_BYTES)
      const window = this.#content.subarray(windowStart, this.#length)
      const content = field >= RAW_BLOCK ? block : this.#kernel.decompress(block, room, window)
      if (!content || content.byteLength > room) {
        // If a full block would have had room, the block is damaged. Otherwise there may just be too much content.
        if (room === blockBytes || !(content ?? this.#kernel.decompress(block, blockBytes, window))) {
          throw this.#error('invalid', 'a damaged block', block.byteLength)
        }
        const reason = contentSize === undefined ? 'limit' : 'invalid'
        throw this.#error(reason, `more than ${limit} bytes of content`, block.byteLength)
      }
      this.#reserve(content.byteLength)
      this.#content.set(content, this.#length)
      this.#length += content.byteLength
    }
    const length = this.#length - start
    if (contentSize !== undefined && length !== contentSize) {
      throw this.#error('invalid', `${length} bytes instead of ${contentSize}`, 4)
    }
  }

  /** Makes space for more content. Its memory doubles, so that many small blocks are not copied again and again. */
  #reserve(byteLength: number): void {
    const needed = this.#length + byteLength
    if (needed <= this.#content.byteLength) return
    const grown = new Uint8Array(Math.min(this.#maxLength, Math.max(needed, 2 * this.#content.byteLength)))
    grown.set(this.#content.subarray(0, this.#length))
    this.#content = grown
  }

  /** The bytes of a block, checked. */
  #block(field: number, flags: number, blockBytes: number): Uint8Array {
    const byteLength = field % RAW_BLOCK
    if (byteLength > blockBytes) throw this.#error('invalid', `a block of ${byteLength} bytes`, 4)
    const block = this.#take(byteLength)
    if (flags & FLAG.blockChecksums && this.#u32() !== this.#xxh32(block)) {
      throw this.#error('invalid', 'a block does not match its checksum', 4)
    }
    return block
  }

  #u8(): number {
    return this.#take(1)[0]!
  }

  #u32(): number {
    this.#take(4)
    return this.#view.getUint32(this.#offset - 4, true)
  }

  /** An integer of 64 bits; one that is not a safe integer is past every limit. */
  #u64(): number {
    const low = this.#u32()
    return this.#u32() * 2 ** 32 + low
  }

  #take(byteLength: number): Uint8Array {
    const start = this.#offset
    if (byteLength > this.#bytes.byteLength - start) {
      throw this.#truncated()
    }
    this.#offset += byteLength
    return this.#bytes.subarray(start, this.#offset)
  }

  #truncated(): FormatError {
    return new FormatError('LZ4: the bytes end too early', { reason: 'truncated', offset: this.#bytes.byteLength })
  }

  /** The error for the last `byteLength` bytes that were read. */
  #error(reason: FormatErrorReason, what: string, byteLength: number): FormatError {
    return new FormatError(`LZ4: ${what}`, { reason, offset: this.#offset - byteLength })
  }
}
