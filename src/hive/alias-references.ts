import { concatBytes } from '../bytes/byte-order.ts'

/** The reference by which an alias keeps the stream of its version. */
export function entryReference(alias: Uint8Array): Uint8Array {
  return concatBytes(new TextEncoder().encode('entry:'), alias)
}

/** The reference by which an alias keeps the signature of its version. */
export function signatureReference(alias: Uint8Array): Uint8Array {
  return concatBytes(new TextEncoder().encode('signature:'), alias)
}
