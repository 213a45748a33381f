/** A part of a multipart/byteranges body. */
export interface ParsedPart {
  readonly type: string | undefined
  /** Half-open range, as Content-Range says. */
  readonly range: readonly [number, number]
  readonly total: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * Reads a multipart/byteranges body strictly (RFC 2046, section 5.1.1): delimiters where the lengths say, nothing
 * before the first one and nothing after the last. An empty line may come before the first.
 *
 * @throws {Error} that says what is wrong.
 */
export function parseMultipart(contentType: string | null | undefined, body: Uint8Array): ParsedPart[] {
  const [, quoted, plain] =
    /^multipart\/byteranges; *boundary=(?:"([^"]+)"|([\w'()+,./:=?-]+))$/i.exec(contentType ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined || boundary.length > 70) throw new Error(`not a multipart type: ${contentType}`)
  const parts: ParsedPart[] = []
  // Latin-1, so that offsets in the text are offsets in the bytes.
  const text = Array.from(body, (byte) => String.fromCharCode(byte)).join('')
  let offset = text.startsWith('\r\n') ? 2 : 0
  for (;;) {
    if (!text.startsWith(`--${boundary}`, offset)) throw new Error(`no delimiter at ${offset}`)
    offset += boundary.length + 2
    if (text.startsWith('--', offset)) {
      if (text.slice(offset) !== '--\r\n' && text.slice(offset) !== '--')
        throw new Error('bytes after the last delimiter')
      return parts
    }
    const end = text.indexOf('\r\n\r\n', offset)
    const fields = text.slice(offset, end + 2)
    const [, first, last, total] = /\r\nContent-Range: bytes (\d+)-(\d+)\/(\d+)\r\n/i.exec(fields)?.map(Number) ?? []
    if (end < 0 || first === undefined || last === undefined || total === undefined)
      throw new Error(`no range: ${fields}`)
    const start = end + 4
    offset = start + last + 1 - first
    const bytes = body.slice(start, offset)
    const type = /\r\nContent-Type: (.*)\r\n/i.exec(fields)?.[1]
    parts.push({ type, range: [first, last + 1], total, bytes })
    if (!text.startsWith('\r\n', offset)) throw new Error(`no end of line after part ${parts.length}`)
    offset += 2
  }
}
