import type { ByteSource } from '../bytes/byte-source.ts'
import { collect } from '../bytes/collect.ts'
import { PatchStream, type PatchStreamOptions } from './patch-stream.ts'
import { type ByteInput, toByteStream } from './to-byte-stream.ts'

/** Options of {@linkcode applyDelta}. */
export interface ApplyDeltaOptions extends PatchStreamOptions {
  /**
   * The maximum size of the result, in bytes. A delta of a few bytes can produce any amount of output.
   * @default 1 GiB; `PatchStream`, which does not hold the result, has no limit
   */
  maxOutputLength?: number | undefined
}

const DEFAULT_MAX_OUTPUT_LENGTH = 1024 * 1024 * 1024

/**
 * Applies a whole delta to a basis: `PatchStream` in one call. It holds the result in memory, briefly twice.
 *
 * @throws {TypeError} if `basis` is neither bytes nor a ByteSource, `delta` is neither of them nor a stream, or an option has the wrong type.
 * @throws {RangeError} if an option is out of range.
 * @throws {FormatError} if `delta` is not a delta, does not fit a basis of this size, or produces more than
 * `maxOutputLength`.
 * @throws {IntegrityError} if the result does not match `expected`, or the basis gives fewer bytes than its size says.
 *
 * @example
 * ```ts
 * import { applyDelta, makeDelta, makeSignature } from 'combstream/rsync'
 *
 * const basis = new Blob(['the first version'])
 * const delta = await makeDelta(await makeSignature(basis), new Blob(['the second version']))
 * console.log(new TextDecoder().decode(await applyDelta(basis, delta))) // the second version
 * ```
 */
export async function applyDelta(
  basis: ByteSource | Uint8Array | ArrayBuffer,
  delta: ByteInput,
  { maxOutputLength = DEFAULT_MAX_OUTPUT_LENGTH, ...options }: ApplyDeltaOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const commands = toByteStream(delta, 'delta')
  const stream = new PatchStream(basis, { ...options, maxOutputLength })
  return await collect(commands.pipeThrough(stream))
}
