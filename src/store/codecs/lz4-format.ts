/**
 * The frame format of LZ4, as the `lz4` program reads and writes it. Grammar: `docs/formats.md`, "LZ4". Integers are
 * unsigned and little-endian.
 *
 * @module
 */

/** A frame begins with this. */
export const FRAME_MAGIC = 0x184d2204
/** Frames of the `lz4` program's first years, which are not supported. */
export const LEGACY_MAGIC = 0x184c2102
/** The first of sixteen magic numbers of frames to skip. */
export const SKIPPABLE_MAGIC = 0x184d2a50
/** The other fifteen differ from it in these bits. */
export const SKIPPABLE_BITS = 0xf

/** Version of the format, in the two highest bits of the flags. */
export const FRAME_VERSION = 1
/** Bits of a frame's flags. */
export const FLAG = {
  dictionary: 0x01,
  reserved: 0x02,
  contentChecksum: 0x04,
  contentSize: 0x08,
  blockChecksums: 0x10,
  independent: 0x20,
} as const

/** The largest blocks that a frame can state, in bytes, by the number that states them. */
export const BLOCK_BYTES: ReadonlyMap<number, number> = new Map([
  [4, 64 * 1024],
  [5, 256 * 1024],
  [6, 1024 * 1024],
  [7, 4 * 1024 * 1024],
])
/** The bit of a block's length that says that its bytes are not compressed. */
export const RAW_BLOCK = 0x8000_0000
/** Matches of linked blocks go back this many bytes at most. */
export const WINDOW_BYTES = 65_536

/** No byte of a frame stands for more bytes of content than this. */
export const MOST_EXPANSION = 255
