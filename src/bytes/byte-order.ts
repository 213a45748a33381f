/** Compares by unsigned bytes, a prefix before longer arrays: below 0, 0 or above 0, as `Array.sort` expects. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.byteLength, b.byteLength)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.byteLength - b.byteLength
}

/** Whether the two have the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && compareBytes(a, b) === 0
}

/** Whether `bytes` begins with `prefix`. */
export function startsWithBytes(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.byteLength >= prefix.byteLength && compareBytes(bytes.subarray(0, prefix.byteLength), prefix) === 0
}

/** A copy that shares no memory: `slice()` of a subclass may return a view instead, as Node's Buffer does. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

/**
 * The bytes as a whole buffer, for a receiver that detaches it, as byte streams do, or keeps it. A part of a larger
 * buffer is copied; a whole buffer is passed on.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? (bytes as Uint8Array<ArrayBuffer>) : copyBytes(bytes)
}

/** The first key after all keys that begin with `prefix`; undefined if there is none. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  for (let length = prefix.byteLength; length > 0; length--) {
    if (prefix[length - 1] === 0xff) continue
    const end = copyBytes(prefix.subarray(0, length))
    end[length - 1]!++
    return end
  }
  return undefined
}

/** Joins the parts into one array. */
export function concatBytes(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}
