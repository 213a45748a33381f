/** Takes the passwords out of all URLs in a text. */
export function redact(text: string): string {
  return (
    text
      // User names and passwords may contain an @: the last one is before the host. A slash may have been forgotten.
      .replace(/\b([a-z][a-z0-9+.-]*:\/+[^\s:]*):\S*@/gi, '$1:***@')
      .replace(/([?&](?:password|sslpassword|secret\w*|token)=)[^&\s]*/gi, '$1***')
  )
}

/** A valid URL without its password. */
export function redactUrl(text: string): string {
  const url = new URL(text)
  if (url.password) url.password = '***'
  return redact(url.href)
}

/** Takes what looks like a password out of a text that quotes an argument, which may be anything. */
export function redactArgument(text: string): string {
  return redact(text).replace(/:(?!\/|\*\*\*@).*@/gs, ':***@')
}

/** Whether a text may be the address of a database or of an object store, perhaps a mistyped one, with a password in it. */
export function mayBeEngine(text: string): boolean {
  return /^(postgres|postgresql|s3):/i.test(text) || /:.*@/s.test(text)
}
