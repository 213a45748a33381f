import { concatBytes } from '../../bytes/byte-order.ts'
import { BLOCK_BYTES, FLAG, FRAME_MAGIC, FRAME_VERSION, RAW_BLOCK } from './lz4-format.ts'
import type { Lz4Kernel } from './lz4-kernel.ts'
import type { Xxh32 } from './xxh32.ts'

/** Options of a frame of LZ4. */
export interface Lz4FrameOptions {
  /**
   * Bytes of content in a block at most: 65,536, 262,144, 1,048,576 or 4,194,304.
   * @default the smallest that holds the content in one block, or 4,194,304
   */
  blockBytes?: number | undefined
  /**
   * Whether the frame has an xxh32 of its content.
   * @default false
   */
  contentChecksum?: boolean | undefined
  /**
   * Whether each block has an xxh32.
   * @default false
   */
  blockChecksums?: boolean | undefined
}

/** Compresses bytes into one frame of independent blocks; undefined if it would have more than `room` bytes. */
export function compressFrame(
  kernel: Lz4Kernel,
  xxh32: Xxh32,
  content: Uint8Array,
  room: number,
  options: Lz4FrameOptions = {},
): Uint8Array<ArrayBuffer> | undefined {
  const { contentChecksum = false, blockChecksums = false } = options
  const [sizeNumber, blockBytes] = chooseBlockBytes(options.blockBytes ?? content.byteLength)
  const parts: Uint8Array[] = [describe(xxh32, content.byteLength, sizeNumber, contentChecksum, blockChecksums)]
  const ending = [integer(0), ...(contentChecksum ? [integer(xxh32(content))] : [])]
  let left = room - lengthOf(parts) - lengthOf(ending)
  for (let offset = 0; offset < content.byteLength; offset += blockBytes) {
    const block = content.subarray(offset, offset + blockBytes)
    left -= blockChecksums ? 8 : 4
    // A block that becomes no shorter is stored as it is.
    const compressed = kernel.compress(block, Math.min(block.byteLength - 1, Math.max(0, left)))
    if (!compressed && block.byteLength > left) return undefined
    // The kernel overwrites its result with the next one.
    const isLast = offset + blockBytes >= content.byteLength
    const bytes = (isLast ? compressed : compressed?.slice()) ?? block
    left -= bytes.byteLength
    parts.push(integer(compressed ? bytes.byteLength : bytes.byteLength + RAW_BLOCK), bytes)
    if (blockChecksums) parts.push(integer(xxh32(bytes)))
  }
  return left < 0 ? undefined : concatBytes(...parts, ...ending)
}

/** The frame's magic number and descriptor. */
function describe(
  xxh32: Xxh32,
  contentSize: number,
  sizeNumber: number,
  contentChecksum: boolean,
  blockChecksums: boolean,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(15)
  const view = new DataView(header.buffer)
  view.setUint32(0, FRAME_MAGIC, true)
  header[4] =
    (FRAME_VERSION << 6) |
    FLAG.independent |
    FLAG.contentSize |
    (contentChecksum ? FLAG.contentChecksum : 0) |
    (blockChecksums ? FLAG.blockChecksums : 0)
  header[5] = sizeNumber << 4
  view.setUint32(6, contentSize % 2 ** 32, true)
  view.setUint32(10, Math.floor(contentSize / 2 ** 32), true)
  header[14] = (xxh32(header.subarray(4, 14)) >> 8) & 0xff
  return header
}

/** The smallest size of blocks that has at least this many bytes, or the largest. */
function chooseBlockBytes(byteLength: number): readonly [number: number, byteLength: number] {
  const sizes = [...BLOCK_BYTES]
  return sizes.find(([, size]) => size >= byteLength) ?? sizes.at(-1)!
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0)
}

function integer(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}
