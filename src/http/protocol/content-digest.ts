import { fromBase64 } from '../../bytes/byte-text.ts'

/**
 * The SHA-256 of the whole entry that an answer states in Repr-Digest (RFC 9530, section 3); undefined if it states none,
 * or states that of compressed bytes.
 */
export function digestInHeaders(headers: Headers): Uint8Array<ArrayBuffer> | undefined {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding !== 'identity') return undefined
  const fields = headers.get('repr-digest') ?? ''
  // Of a key that stands there twice, the last value counts (RFC 9651, section 4.2.2).
  const found = [...fields.matchAll(/(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):[ \t]*(?=$|[,;])/g)]
  const digest = found.at(-1)?.[1]
  return digest === undefined ? undefined : fromBase64(digest)
}
