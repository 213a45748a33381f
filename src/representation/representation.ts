/**
 * Bytes as a server offers them: what HTTP calls a representation (RFC 9110, section 3.2). A version of an entry is one.
 */
export interface Representation {
  /** Name, for error messages. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** Strong validator, quotes included. */
  readonly etag: string
  /** Media type. */
  readonly type: string
  /** When the bytes became what they are. */
  readonly modified: Date
}
