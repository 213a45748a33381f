/**
 * Makes untrusted text, such as an alias or the message of a server, safe for one line of a terminal. Control characters,
 * which could move the cursor or fake a line, and characters that change the direction of text become `\u{…}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`
  })
}
