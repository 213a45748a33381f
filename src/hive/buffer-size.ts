const MIN_BUFFER_BYTES = 1024
const MAX_BUFFER_BYTES = 10 * 1024 * 1024
const DEFAULT_BUFFER_BYTES = 1024 * 1024

/**
 * Checks the `bufferSize` of a reader; the bounds and the default are wrpme's.
 *
 * @throws {TypeError} if it is no integer.
 * @throws {RangeError} if it is not from 1 KiB to 10 MiB.
 */
export function checkBufferSize(bufferSize: number = DEFAULT_BUFFER_BYTES): number {
  if (!Number.isInteger(bufferSize)) throw new TypeError(`bufferSize must be an integer, got ${String(bufferSize)}`)
  if (bufferSize < MIN_BUFFER_BYTES || bufferSize > MAX_BUFFER_BYTES) {
    throw new RangeError(`bufferSize must be from ${MIN_BUFFER_BYTES} to ${MAX_BUFFER_BYTES}, got ${bufferSize}`)
  }
  return bufferSize
}
