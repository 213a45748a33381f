/** A media type and its parameters (RFC 9110, section 8.3.1), without escapes in quoted strings; no list of types. */
const ONE_TYPE = /^([\w!#$&^.+-]+)\/([\w!#$&^.+-]+)(?:[ \t]*;[ \t]*[\w!#$&^.+-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*"))*$/

/**
 * Header fields with which a browser may do nothing with the bytes but show them: an uploaded page must not run in the
 * origin of the hive. A video or a sound is shown in a page of the browser's own that loads it again, which Chromium
 * does only within the same origin; no other type gets that, and none may run scripts.
 */
export function untrustedHeaders(type: string): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': isPlayed(type) ? "sandbox allow-same-origin; script-src 'none'" : 'sandbox',
  }
}

/** To a browser, a list of types is the last of them; and what ends with `+xml` is a document, whatever it begins with. */
function isPlayed(type: string): boolean {
  const [, top, sub] = ONE_TYPE.exec(type) ?? []
  return /^(?:audio|video)$/i.test(top ?? '') && !/\+xml$/i.test(sub!)
}
