import { copyBytes, ownBytes } from '../bytes/byte-order.ts'
import type { ByteRange } from '../bytes/byte-range.ts'
import { byteStream } from '../bytes/byte-stream.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { markHandled } from '../bytes/promises.ts'
import type { VersionBytes } from './version-bytes.ts'

/** Options of {@linkcode versionStream}. */
export interface VersionStreamOptions {
  /** The bytes to read. */
  readonly range: ByteRange
  /** Largest number of bytes between two checks of the version. */
  readonly bufferSize: number
  /** Opens the bytes of the range, at the first read; `signal` aborts when the stream is cancelled or fails. */
  open(signal: AbortSignal): Promise<VersionBytes>
  /**
   * Rejects if the version is no longer current; `offset` is how far it has been delivered. It is called while the next bytes
   * are read, and may wait for `arriving`, which settles when they have been.
   */
  check(offset: number, arriving?: Promise<void>): Promise<void>
  /** Turns an error that came while the version was still current into the one that the reader gets. */
  explain?(error: unknown, offset: number): Promise<unknown>
  /** Each ends the stream with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

const EMPTY = new Uint8Array(0)

/** Reason for what still goes on when all has been read. It is made once: making one takes longer than reading a chunk. */
let allRead: DOMException | undefined

/**
 * Reads a version of an entry in chunks of at most `bufferSize` bytes. Whenever a reader asks for more, it checks that the
 * version is still current, while the bytes are read: a reader that asks after an update gets none.
 */
export function versionStream(options: VersionStreamOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { range, bufferSize, signals } = options
  let offset = range.start
  let source: VersionBytes | undefined
  let rest: Uint8Array = EMPTY
  /** Whether `rest` is valid only until more is read. */
  let isLent = false
  /** Number of bytes of `rest` that may be delivered without another check. */
  let checked = 0
  const givenUp = new AbortController()
  let stopListening = (): void => undefined

  const stop = (reason: unknown): void => {
    givenUp.abort(reason)
    stopListening()
    if (source) markHandled(source.cancel(reason))
  }

  const end = (): void => {
    allRead ??= new DOMException('all has been read', 'AbortError')
    stop(allRead)
  }

  /** Opens the bytes, and reads some of them while the version is checked. */
  const step = async (read: (opened: VersionBytes) => Promise<void>): Promise<void> => {
    try {
      source ??= await options.open(givenUp.signal)
      if (givenUp.signal.aborted) {
        markHandled(source.cancel())
        return await options.check(offset)
      }
      let arrive = (): void => undefined
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve
      })
      // Both at the same time: where rows are as far away as blocks, a check takes as long as a block. The check comes first: an
      // engine that answers one after the other would otherwise read the blocks ahead, too, before it answers.
      await Promise.all([options.check(offset, arrived), read(source).finally(arrive)])
    } catch (error) {
      const wasGivenUp = givenUp.signal.aborted
      stop(error)
      throw wasGivenUp ? error : await betterAnswer(error, offset, options)
    }
  }

  /** Reads on if there is no rest, and checks the version. */
  const advance = async (lent: boolean): Promise<void> => {
    await step(async (opened) => {
      if (rest.byteLength > 0) return
      rest = (await opened.read(lent)) ?? rest
      isLent = lent
    })
    checked = Math.min(bufferSize, rest.byteLength)
    if (checked === 0) end()
  }

  /** Reads straight into a buffer, and checks the version. Returns the number of bytes; 0 at the end. */
  const advanceInto = async (buffer: Uint8Array<ArrayBuffer>): Promise<number> => {
    let filled = 0
    await step(async (opened) => {
      filled = await opened.fill!(buffer.subarray(0, bufferSize))
    })
    offset += filled
    if (filled === 0) end()
    return filled
  }

  const take = (byteLength: number): Uint8Array => {
    const piece = rest.subarray(0, byteLength)
    // Not a view of a buffer that is given away, since that will be detached.
    rest = piece.byteLength < rest.byteLength ? rest.subarray(piece.byteLength) : EMPTY
    offset += piece.byteLength
    checked -= piece.byteLength
    return piece
  }

  return byteStream({
    start(fail) {
      stopListening = onAbort(signals, (reason) => {
        fail(reason)
        stop(reason)
      })
    },
    async next() {
      if (checked === 0) await advance(false)
      if (checked === 0) return undefined
      const piece = take(checked)
      return isLent ? copyBytes(piece) : ownBytes(piece)
    },
    async fill(buffer) {
      // A smaller buffer would be checked for more often.
      if (source?.fill && rest.byteLength === 0 && buffer.byteLength >= bufferSize) return advanceInto(buffer)
      if (checked === 0) await advance(true)
      const piece = take(Math.min(checked, buffer.byteLength))
      buffer.set(piece)
      return piece.byteLength
    },
    cancel: stop,
  })
}

/** If the bytes cannot be read because the version is no longer current, that is the error to report. */
async function betterAnswer(
  error: unknown,
  offset: number,
  { check, explain }: Pick<VersionStreamOptions, 'check' | 'explain'>,
): Promise<unknown> {
  try {
    await check(offset)
  } catch (found) {
    const { name } = found as Error
    if (name === 'ConflictError' || name === 'NotFoundError') return found
  }
  return explain ? explain(error, offset) : error
}
