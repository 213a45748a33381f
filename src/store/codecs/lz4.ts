import { compressFrame, type Lz4FrameOptions } from './compress-frame.ts'
import { decompressFrames } from './decompress-frames.ts'
import { loadLz4Kernel } from './lz4-kernel.ts'
import { loadXxh32 } from './xxh32.ts'

/** LZ4 in frames, as the `lz4` program reads and writes them. */
export interface Lz4 {
  /**
   * Compresses bytes into one frame that states their length. Returns undefined if the frame would have more than
   * `room` bytes; that is found out early for bytes that do not repeat.
   */
  compress(bytes: Uint8Array, room: number, options?: Lz4FrameOptions): Uint8Array<ArrayBuffer> | undefined
  /**
   * Decompresses one or more frames into at most `maxLength` bytes. The memory for them never exceeds that, whatever the
   * frames say. Frames to skip are skipped; all checksums are checked.
   *
   * @throws {FormatError} if the bytes are damaged (`magic`, `truncated`, `invalid`), are a frame of the format before
   * 2014 or need a dictionary (`unsupported`), or hold more than `maxLength` bytes (`limit`).
   */
  decompress(frames: Uint8Array, maxLength: number): Uint8Array<ArrayBuffer>
}

/**
 * Loads LZ4.
 *
 * @throws {Error} if the host does not support WebAssembly SIMD, or a content security policy forbids WebAssembly.
 */
export async function loadLz4(): Promise<Lz4> {
  const [kernel, xxh32] = await Promise.all([loadLz4Kernel(), loadXxh32()])
  return {
    compress: (bytes, room, options) => compressFrame(kernel, xxh32, bytes, room, options),
    decompress: (frames, maxLength) => decompressFrames(kernel, xxh32, frames, maxLength),
  }
}
