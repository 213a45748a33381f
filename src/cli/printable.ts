/**
 * Text that may come from anyone, an alias or a server's message, for one line of a terminal: control characters,
 * which could move the cursor or fake a line, and characters that turn the direction of writing become `\u{…}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`
  })
}
