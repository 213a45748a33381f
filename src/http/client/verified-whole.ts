import { equalBytes } from '../../bytes/byte-order.ts'
import type { ByteProducer } from '../../bytes/byte-stream.ts'
import { toBase64Url } from '../../bytes/byte-text.ts'
import { type BackgroundHash, createBackgroundSha256 } from '../../bytes/hashing/background-sha256.ts'
import { markHandled } from '../../bytes/promises.ts'
import { IntegrityError } from '../../errors.ts'

/** What {@linkcode verifiedWhole} must get. */
export interface ExpectedWhole {
  /** Name of the entry. */
  readonly alias: string
  /** Number of bytes. */
  readonly size: number
  /** SHA-256 of all bytes. */
  readonly digest: Uint8Array
}

/**
 * Passes on all bytes of a version, and compares their SHA-256 with the expected one before it passes on the last
 * chunk: if they differ, it fails instead. So a reader that gets all bytes gets the right ones. Bytes of an earlier chunk have
 * been passed on unchecked. Nothing is read ahead, and one chunk is held.
 *
 * It is a producer of chunks and not a stream, since another stream would cost as much again for each chunk.
 *
 * In a host without a native hash that also forbids WebAssembly, as a strict Content Security Policy does, the bytes
 * are passed on unchecked.
 */
export function verifiedWhole(bytes: ByteProducer, expected: ExpectedWhole): ByteProducer {
  return new VerifiedWhole(bytes, expected)
}

class VerifiedWhole implements ByteProducer {
  readonly #bytes: ByteProducer
  readonly #expected: ExpectedWhole
  #hash: BackgroundHash | undefined
  #isBegun = false
  #isGivenUp = false
  #offset = 0

  constructor(bytes: ByteProducer, expected: ExpectedWhole) {
    this.#bytes = bytes
    this.#expected = expected
  }

  start(fail: (reason: unknown) => void): void {
    this.#bytes.start?.((reason) => {
      this.#giveUp()
      fail(reason)
    })
  }

  async next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const chunk = await this.#bytes.next()
      if (this.#isGivenUp) return undefined
      if (!this.#isBegun) await this.#begin()
      if (chunk) {
        await this.#hash?.update(chunk)
        this.#offset += chunk.byteLength
      }
      if (!chunk || this.#offset >= this.#expected.size) await this.#compare()
      return chunk
    } catch (error) {
      this.#giveUp()
      markHandled(this.#bytes.cancel(error))
      throw error
    }
  }

  cancel(reason: unknown): Promise<void> | void {
    this.#giveUp()
    return this.#bytes.cancel(reason)
  }

  async #begin(): Promise<void> {
    this.#isBegun = true
    const hash = await hashIfPossible()
    if (this.#isGivenUp) hash?.discard?.()
    else this.#hash = hash
  }

  /** Compares, once. */
  async #compare(): Promise<void> {
    const hash = this.#hash
    if (!hash) return
    const actual = await hash.digest()
    this.#hash = undefined
    const { alias, digest } = this.#expected
    if (this.#isGivenUp || equalBytes(actual, digest)) return
    throw new IntegrityError(`the bytes of the entry arrived changed: ${alias}`, {
      alias,
      expected: toBase64Url(digest),
      actual: toBase64Url(actual),
    })
  }

  #giveUp(): void {
    this.#isGivenUp = true
    this.#hash?.discard?.()
    this.#hash = undefined
  }
}

async function hashIfPossible(): Promise<BackgroundHash | undefined> {
  try {
    return await createBackgroundSha256()
  } catch {
    // WebAssembly is missing or forbidden, for which engines throw different errors. A page that can read without the
    // check must still be able to.
    return undefined
  }
}
