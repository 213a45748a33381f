import { writeU32 } from '../bytes/integers.ts'
import { BLOCK_LENGTH_OFFSET, SIGNATURE_HEADER_BYTES, STRONG_LENGTH_OFFSET } from './format.ts'
import type { SignatureParameters } from './parameters.ts'

/** What a signature begins with, before its records. */
export function signatureHeader({ blockLength, strongLength, format }: SignatureParameters): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(SIGNATURE_HEADER_BYTES)
  writeU32(header, 0, format.magic)
  writeU32(header, BLOCK_LENGTH_OFFSET, blockLength)
  writeU32(header, STRONG_LENGTH_OFFSET, strongLength)
  return header
}
