import { createHash } from 'node:crypto'
import { IntegrityError } from '../errors.ts'
import type { Entry } from '../hive/hive.ts'

/** The etag of an entry of ours: the SHA-256 of its bytes. A server of another make may have etags of another kind. */
const SHA256_ETAG = /^"([\w-]{43})"$/

/**
 * The bytes of a whole entry, which fail at their end if they are not those that the etag stands for: an HTTP
 * connection, or what stands between, may change bits that no checksum covers.
 */
export function verified(
  stream: ReadableStream<Uint8Array>,
  { alias, etag }: Pick<Entry, 'alias' | 'etag'>,
): ReadableStream<Uint8Array> {
  const expected = SHA256_ETAG.exec(etag)?.[1]
  if (expected === undefined) return stream
  const sha256 = createHash('sha256')
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sha256.update(chunk)
        controller.enqueue(chunk)
      },
      flush() {
        const actual = sha256.digest('base64url')
        if (actual === expected) return
        throw new IntegrityError(`the bytes that came are not those of the entry: ${alias}`, { expected, actual })
      },
    }),
  )
}
