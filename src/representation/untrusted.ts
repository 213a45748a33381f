/** One media type, not a list, with its parameters (RFC 9110, section 8.3.1); without escapes in quoted strings. */
const ONE_TYPE = /^([\w!#$&^.+-]+)\/([\w!#$&^.+-]+)(?:[ \t]*;[ \t]*[\w!#$&^.+-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*"))*$/

/**
 * Header fields that allow a browser to show the bytes and nothing more: an uploaded page must not run in the origin of
 * the hive. For a video or a sound, the browser makes a page that loads it again, which in Chromium needs the same
 * origin; no other type gets that, and no type may run scripts.
 */
export function untrustedHeaders(type: string): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': isPlayed(type) ? "sandbox allow-same-origin; script-src 'none'" : 'sandbox',
  }
}

/** A browser takes the last type of a list, and a type that ends in `+xml` as a document, whatever it begins with. */
function isPlayed(type: string): boolean {
  const [, top, sub] = ONE_TYPE.exec(type) ?? []
  return /^(?:audio|video)$/i.test(top ?? '') && !/\+xml$/i.test(sub!)
}
