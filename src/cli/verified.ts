import { createHash } from 'node:crypto'
import { IntegrityError } from '../errors.ts'
import type { Entry } from '../hive/hive.ts'

/** The etag of a combstream entry: the SHA-256 of its bytes. Other servers may use other kinds of etags. */
const SHA256_ETAG = /^"([\w-]{43})"$/

/**
 * The bytes of a whole entry. The stream fails at its end if the bytes do not match the etag: an HTTP connection or an
 * intermediary may change bits that no checksum covers.
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
        throw new IntegrityError(`the bytes received are not those of the entry: ${alias}`, { expected, actual })
      },
    }),
  )
}
