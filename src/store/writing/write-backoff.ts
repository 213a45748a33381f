import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'

/** Pauses that leave the engine to others while a large stream is stored (AtlasDB's StreamStoreBackoffStrategy). */
export interface WriteBackoff {
  /** Number of blocks of a stream after which its sink pauses: 1 or more. */
  readonly blocks: number
  /** Milliseconds of each pause: 0 or more. */
  readonly pauseMs: number
}

/**
 * Checks a back-off from a caller.
 *
 * @throws {TypeError} if it is of the wrong type.
 * @throws {RangeError} if a number is out of range.
 */
export function checkWriteBackoff(backoff: WriteBackoff | undefined): WriteBackoff | undefined {
  if (backoff === undefined) return undefined
  if (typeof backoff !== 'object' || backoff === null) {
    throw new TypeError(`writeBackoff must be an object, got ${describeValue(backoff)}`)
  }
  const { blocks, pauseMs } = backoff
  checkInteger('writeBackoff.blocks', blocks, 1, Number.MAX_SAFE_INTEGER)
  checkInteger('writeBackoff.pauseMs', pauseMs, 0, MAX_PAUSE_MS)
  return { blocks, pauseMs }
}

/** A day: more than any timer should wait, and less than all can. */
const MAX_PAUSE_MS = 86_400_000
