/**
 * The wire formats of librsync: signatures and deltas. All integers are big-endian and unsigned. The grammar is in
 * `docs/formats.md`, under "rsync signatures and deltas"; it changes together with this file.
 *
 * @module
 */

/** Magic of a signature with rollsum and MD4 sums. */
export const MAGIC_ROLLSUM_MD4 = 0x72730136
/** Magic of a signature with rollsum and BLAKE2b sums. */
export const MAGIC_ROLLSUM_BLAKE2B = 0x72730137
/** Magic of a signature with RabinKarp and MD4 sums. */
export const MAGIC_RABINKARP_MD4 = 0x72730146
/** Magic of a signature with RabinKarp and BLAKE2b sums: rdiff's default. */
export const MAGIC_RABINKARP_BLAKE2B = 0x72730147
/** Magic of a delta. */
export const MAGIC_DELTA = 0x72730236

/** Bytes of a magic. */
export const MAGIC_BYTES = 4
/** Bytes before the first record of a signature: magic, block length, strong length. */
export const SIGNATURE_HEADER_BYTES = 12
/** Offset in a signature of the block length, 32 bits. */
export const BLOCK_LENGTH_OFFSET = 4
/** Offset in a signature of the strong length, 32 bits. */
export const STRONG_LENGTH_OFFSET = 8
/** Bytes of the weak sum that begins a record; the first `strongLength` bytes of the strong sum follow it. */
export const WEAK_SUM_BYTES = 4
/** Bytes of a whole BLAKE2b strong sum. */
export const BLAKE2B_BYTES = 32
/** Bytes of a whole MD4 strong sum. */
export const MD4_BYTES = 16

/** The largest block length on the wire: librsync holds it in 31 bits. */
export const MAX_BLOCK_LENGTH = 0x7fffffff

/** Ends a delta. */
export const OP_END = 0x00
/** Opcodes 1 to this one are a literal of as many bytes, which follow. */
export const OP_LITERAL_SHORT_MAX = 0x40
/** Literal with a length of 1 byte; the next three opcodes have 2, 4 and 8. */
export const OP_LITERAL_N1 = 0x41
/** Literal with a length of 8 bytes: the last literal opcode. */
export const OP_LITERAL_N8 = 0x44
/** Copy with a position and a length of 1 byte each; plus 4 a step of the position's width, plus 1 of the length's. */
export const OP_COPY_N1_N1 = 0x45
/** Copy with a position and a length of 8 bytes each: the last copy opcode. The ones above it are reserved. */
export const OP_COPY_N8_N8 = 0x54

/** Bytes of the longest command without a literal's data: opcode, position, length. */
export const MAX_COMMAND_BYTES = 17
