import type { ByteSource } from '../bytes/byte-source.ts'
import { collect } from '../bytes/collect.ts'
import { PatchStream, type PatchStreamOptions } from './patch-stream.ts'
import { wholeSource } from './whole-source.ts'

/** Options of {@linkcode applyDelta}. */
export interface ApplyDeltaOptions extends PatchStreamOptions {
  /**
   * The most bytes that the result may have, since a delta of few bytes can ask for any number of them.
   * @default 1 GiB, unlike that of `PatchStream`, as the result is held
   */
  maxOutputLength?: number | undefined
}

const DEFAULT_MAX_OUTPUT_LENGTH = 1024 * 1024 * 1024

/**
 * Applies a delta to a basis, as a whole: `PatchStream` in one call. It holds the result, twice for a moment.
 *
 * @throws {TypeError} if `basis` or `delta` is neither bytes nor a ByteSource, or an option is of the wrong type.
 * @throws {RangeError} if an option is out of its range.
 * @throws {FormatError} if the delta is none, or none for a basis of this size, or makes more than allowed.
 * @throws {IntegrityError} if the result is not what is expected, or the basis gives fewer bytes than it should.
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
  basis: ByteSource | Uint8Array,
  delta: ByteSource | Uint8Array,
  { maxOutputLength = DEFAULT_MAX_OUTPUT_LENGTH, ...options }: ApplyDeltaOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const commands = wholeSource(delta, 'delta')
  const stream = new PatchStream(wholeSource(basis, 'basis'), { ...options, maxOutputLength })
  return await collect(commands.stream().pipeThrough(stream))
}
