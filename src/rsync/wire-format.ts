/**
 * The wire formats of librsync: signatures and deltas. All integers are big-endian and unsigned. The grammar is in
 * `docs/formats.md`, under "rsync signatures and deltas", and changes together with this file.
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
/** Bytes of the weak sum at the start of a record. The first `strongLength` bytes of the strong sum follow it. */
export const WEAK_SUM_BYTES = 4
/** Bytes of a full BLAKE2b strong sum. */
export const BLAKE2B_BYTES = 32
/** Bytes of a full MD4 strong sum. */
export const MD4_BYTES = 16

/** The largest block length on the wire: librsync stores it in 31 bits. */
export const MAX_BLOCK_LENGTH = 0x7fffffff

/** Ends a delta. */
export const OP_END = 0x00
/** Opcodes from 1 to this one are literals; the opcode is the number of data bytes that follow. */
export const OP_LITERAL_SHORT_MAX = 0x40
/** Literal with a 1-byte length field. The next three opcodes have 2, 4 and 8 bytes. */
export const OP_LITERAL_N1 = 0x41
/** Literal with an 8-byte length field: the last literal opcode. */
export const OP_LITERAL_N8 = 0x44
/**
 * Copy with 1-byte position and length fields. Each step of the position's width adds 4, each step of the length's adds
 * 1.
 */
export const OP_COPY_N1_N1 = 0x45
/** Copy with 8-byte position and length fields: the last copy opcode. Higher opcodes are reserved. */
export const OP_COPY_N8_N8 = 0x54

/** Bytes of the longest command (opcode, position, length), not counting a literal's data. */
export const MAX_COMMAND_BYTES = 17
