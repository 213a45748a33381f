/** A non-negative safe integer in decimal digits; undefined for any other text. */
export function parseDigits(text: string | null): number | undefined {
  const value = text !== null && /^\d+$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** Whether a string is a strong entity tag (RFC 9110, section 8.8.3). */
export function isStrongEtag(text: string): boolean {
  return /^"[\x21\x23-\x7e]*"$/.test(text)
}
