import { concatBytes } from '../../bytes/byte-order.ts'
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
  /** The content so far. A frame that states its size adds one part, another frame a part for each block. */
  readonly #parts: Uint8Array<ArrayBuffer>[] = []
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
    return this.#parts.length === 1 ? this.#parts[0]! : concatBytes(...this.#parts)
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
    const parts = this.#blocks(descriptor)
    if (descriptor.flags & FLAG.contentChecksum && this.#u32() !== this.#xxh32(...parts)) {
      throw this.#error('invalid', 'the content does not match its checksum', 4)
    }
    this.#parts.push(...parts)
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

  /** Reads the blocks up to the end mark, and returns their content. */
  #blocks({ flags, blockBytes, contentSize }: Descriptor): Uint8Array<ArrayBuffer>[] {
    const limit = contentSize ?? this.#maxLength - this.#length
    if (this.#length + limit > this.#maxLength) throw this.#error('limit', `content of ${contentSize} bytes`, 0)
    if (contentSize !== undefined && contentSize > (this.#bytes.byteLength - this.#offset) * MOST_EXPANSION) {
      throw this.#truncated()
    }
    const whole = contentSize === undefined ? undefined : new Uint8Array(contentSize)
    const parts: Uint8Array<ArrayBuffer>[] = []
    let length = 0
    let window = new Uint8Array(0)
    for (let field = this.#u32(); field !== 0; field = this.#u32()) {
      const block = this.#block(field, flags, blockBytes)
      const room = Math.min(blockBytes, limit - length)
      const content = field >= RAW_BLOCK ? block : this.#kernel.decompress(block, room, window)
      if (!content || content.byteLength > room) {
        // If a full block would have had room, the block is damaged. Otherwise there may just be too much content.
        if (room === blockBytes || !(content ?? this.#kernel.decompress(block, blockBytes, window))) {
          throw this.#error('invalid', 'a damaged block', block.byteLength)
        }
        throw this.#error(whole ? 'invalid' : 'limit', `more than ${limit} bytes of content`, block.byteLength)
      }
      if (whole) whole.set(content, length)
      const part = whole ? whole.subarray(length, length + content.byteLength) : content.slice()
      if (!whole) parts.push(part)
      length += content.byteLength
      if (!(flags & FLAG.independent)) window = lastBytes(window, part)
    }
    if (whole && length !== contentSize) throw this.#error('invalid', `${length} bytes instead of ${contentSize}`, 4)
    this.#length += length
    return whole ? [whole] : parts
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

  /** An integer of 64 bits; one that is no safe integer is past every limit. */
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

/** What the next block may refer to: the last 64 KiB of the content so far, as a copy only where it must be. */
function lastBytes(before: Uint8Array<ArrayBuffer>, block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (block.byteLength >= WINDOW_BYTES) return block.subarray(-WINDOW_BYTES)
  return concatBytes(before.subarray(Math.max(0, before.byteLength + block.byteLength - WINDOW_BYTES)), block)
}
