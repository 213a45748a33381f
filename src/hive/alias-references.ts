import { concatBytes, startsWithBytes } from '../bytes/byte-order.ts'

const ENTRY = new TextEncoder().encode('entry:')
const SIGNATURE = new TextEncoder().encode('signature:')

/** The reference by which an alias keeps the stream of its version. */
export function entryReference(alias: Uint8Array): Uint8Array {
  return concatBytes(ENTRY, alias)
}

/** The reference by which an alias keeps the signature of its version. */
export function signatureReference(alias: Uint8Array): Uint8Array {
  return concatBytes(SIGNATURE, alias)
}

/** The alias whose version a reference keeps; undefined if it keeps something else. */
export function entryOfReference(reference: Uint8Array): string | undefined {
  return aliasAfter(ENTRY, reference)
}

/** The alias whose signature a reference keeps; undefined if it keeps something else. */
export function signatureOfReference(reference: Uint8Array): string | undefined {
  return aliasAfter(SIGNATURE, reference)
}

function aliasAfter(start: Uint8Array, reference: Uint8Array): string | undefined {
  if (!startsWithBytes(reference, start)) return undefined
  // A byte order mark at the beginning is part of the alias.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(reference.subarray(start.byteLength))
}
