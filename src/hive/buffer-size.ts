import { checkInteger } from '../bytes/check-integer.ts'

const MIN_BUFFER_BYTES = 1024
const MAX_BUFFER_BYTES = 10 * 1024 * 1024
/** Largest number of bytes of one read, unless another is asked for. */
export const DEFAULT_BUFFER_BYTES: number = 1024 * 1024

/**
 * Checks the `bufferSize` of a reader; the bounds and the default are wrpme's.
 *
 * @throws {TypeError} if it is not an integer.
 * @throws {RangeError} if it is not from 1 KiB to 10 MiB.
 */
export function checkBufferSize(bufferSize: number = DEFAULT_BUFFER_BYTES): number {
  return checkInteger('bufferSize', bufferSize, MIN_BUFFER_BYTES, MAX_BUFFER_BYTES)
}
