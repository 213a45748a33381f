import { FormatError, IntegrityError, type IntegrityErrorOptions } from '../../errors.ts'

/**
 * Parses the value of a row. A failure is damage, since the bytes did not come from the caller; its message names the
 * row by `what`.
 *
 * @throws {IntegrityError} if the row is damaged.
 * @throws {FormatError} with `reason: 'unsupported'` if a later version wrote it.
 */
export function parseAtRest<T>(
  what: string,
  facts: IntegrityErrorOptions,
  value: Uint8Array,
  parse: (value: Uint8Array) => T,
): T {
  try {
    return parse(value)
  } catch (cause) {
    if ((cause as Error).name !== 'FormatError') throw cause
    const { message, reason, offset } = cause as FormatError
    if (reason === 'unsupported')
      throw new FormatError(`${what} is of a later version: ${message}`, { reason, offset, cause })
    throw new IntegrityError(`${what} is damaged: ${message}`, { ...facts, cause })
  }
}
