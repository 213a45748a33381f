import { readU32 } from '../../bytes/integers.ts'
import { FormatError } from '../../errors.ts'
import { adler32 } from './adler32.ts'

/** Deflate in the zlib format (RFC 1950), which is what HTTP and `CompressionStream` call `deflate`. */
export interface Deflate {
  /** Compresses bytes; undefined if they would become more than `room` bytes. */
  compress(bytes: Uint8Array, room: number): Uint8Array<ArrayBuffer> | undefined
  /**
   * Decompresses into at most `maxLength` bytes. No more than that is allocated, whatever the bytes are.
   *
   * @throws {FormatError} if the bytes are damaged (`invalid`), or hold more than `maxLength` bytes (`limit`).
   */
  decompress(bytes: Uint8Array, maxLength: number): Uint8Array<ArrayBuffer>
}

/** fflate's own default. */
const LEVEL = 6
/** Bytes of the header and of the checksum at the end. */
const HEADER_BYTES = 2
const CHECKSUM_BYTES = 4
/** No byte of deflate stands for more bytes of content than this. */
const MOST_EXPANSION = 1032

/** Loads fflate, which is not needed before. */
export async function loadDeflate(): Promise<Deflate> {
  const { unzlibSync, zlibSync } = await import('fflate')
  return {
    compress(bytes, room) {
      const compressed = zlibSync(bytes, { level: LEVEL })
      return compressed.byteLength > room ? undefined : compressed
    },
    decompress(bytes, maxLength) {
      if (bytes.byteLength < HEADER_BYTES + CHECKSUM_BYTES) {
        throw new FormatError('deflate: the bytes end too early', { reason: 'truncated', offset: bytes.byteLength })
      }
      // fflate drops what does not fit, so one byte more shows whether something did not.
      const room = Math.min(maxLength, bytes.byteLength * MOST_EXPANSION) + 1
      let content: Uint8Array
      try {
        content = unzlibSync(bytes, { out: new Uint8Array(room) })
      } catch (cause) {
        throw new FormatError('deflate: the bytes are damaged', { reason: 'invalid', cause })
      }
      if (content.byteLength > maxLength) {
        throw new FormatError(`deflate: more than ${maxLength} bytes`, { reason: 'limit' })
      }
      const checksumOffset = bytes.byteLength - CHECKSUM_BYTES
      if (readU32(bytes, checksumOffset) !== adler32(content)) {
        throw new FormatError('deflate: the content does not match its checksum', {
          reason: 'invalid',
          offset: checksumOffset,
        })
      }
      // The result fills its buffer.
      return content.slice()
    },
  }
}
