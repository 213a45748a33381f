import { equalBytes, ownBytes } from '../../bytes/byte-order.ts'
import { byteStream } from '../../bytes/byte-stream.ts'
import { toBase64Url } from '../../bytes/byte-text.ts'
import { ChunkReader } from '../../bytes/chunk-reader.ts'
import { onAbort } from '../../bytes/on-abort.ts'
import { markHandled } from '../../bytes/promises.ts'
import { createSha256, type StreamingHash } from '../../bytes/sha256.ts'
import { IntegrityError } from '../../errors.ts'

/** What a {@linkcode verifiedWhole} stream must be. */
export interface ExpectedWhole {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** SHA-256 of all bytes. */
  readonly digest: Uint8Array
  /** Each ends the stream with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

/**
 * Passes on all bytes of a version, and compares their SHA-256 with the expected one before it passes on the last
 * chunk: if they differ, the stream fails instead. So whoever has all bytes has the right ones. Bytes of an earlier
 * chunk have been passed on unchecked. Nothing is read ahead, and one chunk is held.
 *
 * In a host without a native hash that also forbids WebAssembly, as a strict Content Security Policy does, the bytes
 * are passed on unchecked.
 */
export function verifiedWhole(
  bytes: ReadableStream<Uint8Array>,
  { alias, size, digest, signals }: ExpectedWhole,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = new ChunkReader(bytes)
  let hash: StreamingHash | undefined
  let isBegun = false
  let offset = 0
  let stopListening = (): void => undefined

  /** Compares once all bytes have been counted. */
  const compare = (): void => {
    const actual = hash?.digest()
    hash = undefined
    if (!actual || equalBytes(actual, digest)) return
    throw new IntegrityError(`the bytes of the entry arrived changed: ${alias}`, {
      alias,
      expected: toBase64Url(digest),
      actual: toBase64Url(actual),
    })
  }
  const take = async (): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const chunk = await chunks.read()
    if (!isBegun) {
      isBegun = true
      hash = await hashIfPossible()
    }
    if (!chunk) {
      compare()
      stopListening()
      return undefined
    }
    hash?.update(chunk)
    offset += chunk.byteLength
    if (offset >= size) compare()
    return ownBytes(chunk)
  }

  return byteStream({
    start(fail) {
      stopListening = onAbort(signals, fail)
    },
    async next() {
      try {
        return await take()
      } catch (error) {
        stopListening()
        markHandled(chunks.cancel(error))
        throw error
      }
    },
    cancel(reason) {
      stopListening()
      return chunks.cancel(reason)
    },
  })
}

async function hashIfPossible(): Promise<StreamingHash | undefined> {
  try {
    return await createSha256()
  } catch {
    // There is no other reason than that WebAssembly is missing or forbidden, for which engines have different errors. A
    // page that can read must not lose that.
    return undefined
  }
}
