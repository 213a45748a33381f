/** What is known about the result in advance. */
export interface ExpectedSize {
  /**
   * Size that the result must have, in bytes. Any other size is an `IntegrityError`. A result that is too large fails
   * before the first byte of the offending command is written; one that is too small fails at the end of the delta.
   * @default unknown
   */
  readonly size?: number | undefined
}

/** Options of `PatchJob`. */
export interface PatchOptions {
  /**
   * The maximum size of the result, in bytes. A delta of a few bytes can produce any amount of output.
   * @default Infinity: the job never holds the result, so only the receiver can tell how much is too much
   */
  maxOutputLength?: number | undefined
  /** What the result must be, if known. */
  expected?: ExpectedSize | undefined
  /**
   * What to do with bytes after the end command: fail with a `FormatError`, or consume and ignore them as librsync
   * does.
   * @default 'error'
   */
  trailingBytes?: 'error' | 'ignore' | undefined
}
