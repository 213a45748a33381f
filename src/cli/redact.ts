/** Takes the passwords out of all URLs in a text. */
export function redact(text: string): string {
  return (
    text
      // The password itself may contain an @.
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s/@:]*):\S*@/gi, '$1:***@')
      .replace(/([?&](?:password|sslpassword|secret\w*|token)=)[^&\s]*/gi, '$1***')
  )
}
