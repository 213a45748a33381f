import { equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import type { Codec, CodecStep } from '../bytes/codec-transform.ts'
import { IntegrityError } from '../errors.ts'
import type { StreamingHash } from '../bytes/sha256.ts'

/** Wraps a codec whose output must have a given SHA-256. On a mismatch it fails instead of finishing. */
export class DigestCheck implements Codec {
  readonly #codec: Codec
  readonly #hash: StreamingHash
  readonly #expected: Uint8Array

  /** Checks the output of `codec` with `hash`, which must not be used for anything else. */
  constructor(codec: Codec, hash: StreamingHash, expected: Uint8Array) {
    this.#codec = codec
    this.#hash = hash
    this.#expected = expected
  }

  /**
   * Runs the codec, and checks the digest once it is done.
   *
   * @throws {IntegrityError} if the codec is done and the digest does not match.
   */
  iterate(input: Uint8Array, output: Uint8Array): CodecStep {
    const step = this.#codec.iterate(input, output)
    if (step.written > 0) this.#hash.update(output.subarray(0, step.written))
    if (step.state === 'done') this.#check()
    return step
  }

  /** Passes the end of the input on to the codec. */
  end(): void {
    this.#codec.end()
  }

  #check(): void {
    const digest = this.#hash.digest()
    if (equalBytes(digest, this.#expected)) return
    const [expected, actual] = [toHex(this.#expected), toHex(digest)]
    throw new IntegrityError(`the result has the SHA-256 ${actual}, not ${expected}`, { expected, actual })
  }
}
