import { equalBytes } from '../../bytes/byte-order.ts'
import { toMapKey } from '../../bytes/byte-text.ts'
import type { StreamingHash } from '../../bytes/sha256.ts'

/** What a {@linkcode StreamCache} needs. */
export interface StreamCacheOptions {
  /** Most bytes that it holds; 0 means that it holds nothing. */
  readonly limit: number
  /** Bytes of the largest stream that it keeps. */
  readonly largest: number
  /** Makes a SHA-256. */
  createHash(): Promise<StreamingHash>
}

/**
 * Keeps short streams whole in memory, those that were read last. A stream is immutable and known by its digest, so what
 * is kept never becomes wrong; it is kept only if its bytes have that digest. Nobody asks here whether a stream exists.
 */
export class StreamCache {
  readonly #options: StreamCacheOptions
  /** Bytes of streams by their digest, the one that was used least recently first. */
  readonly #kept = new Map<string, Uint8Array>()
  /** Digests of the streams that are being filled in. */
  readonly #filling = new Set<string>()
  #held = 0

  constructor(options: StreamCacheOptions) {
    this.#options = options
  }

  /** Number of bytes that it holds, with those that are reserved for streams that are being filled in. */
  get held(): number {
    return this.#held
  }

  /** The bytes of a stream, undefined if they are not here. They must not be changed, nor kept past the turn. */
  get(digest: Uint8Array): Uint8Array | undefined {
    if (this.#kept.size === 0) return undefined
    const key = toMapKey(digest)
    const bytes = this.#kept.get(key)
    if (bytes) {
      this.#kept.delete(key)
      this.#kept.set(key, bytes)
    }
    return bytes
  }

  /**
   * Makes room for a stream that will be read whole; undefined if it is too large, another reader fills it in, or such
   * streams have all of the room.
   */
  fill(digest: Uint8Array, size: number): Promise<CacheFill | undefined> | undefined {
    const { limit, largest } = this.#options
    return size > Math.min(limit, largest) ? undefined : this.#fill(digest, size)
  }

  async #fill(digest: Uint8Array, size: number): Promise<CacheFill | undefined> {
    const hash = await this.#options.createHash()
    const key = toMapKey(digest)
    if (this.#filling.has(key) || this.#kept.has(key) || !this.#makeRoom(size)) return undefined
    this.#held += size
    this.#filling.add(key)
    return new CacheFill(size, hash, (bytes) => {
      this.#filling.delete(key)
      if (bytes && equalBytes(hash.digest(), digest)) this.#kept.set(key, bytes)
      else this.#held -= size
    })
  }

  /** Drops everything that it keeps. */
  clear(): void {
    for (const key of this.#kept.keys()) this.#drop(key)
  }

  #makeRoom(size: number): boolean {
    for (const key of this.#kept.keys()) {
      if (this.#held + size <= this.#options.limit) break
      this.#drop(key)
    }
    return this.#held + size <= this.#options.limit
  }

  #drop(key: string): void {
    this.#held -= this.#kept.get(key)!.byteLength
    this.#kept.delete(key)
  }
}

/** A stream that is being filled in, in order. */
export class CacheFill {
  readonly #bytes: Uint8Array
  readonly #hash: StreamingHash
  #offset = 0
  #end: ((bytes: Uint8Array | undefined) => void) | undefined

  constructor(size: number, hash: StreamingHash, end: (bytes: Uint8Array | undefined) => void) {
    this.#bytes = new Uint8Array(size)
    this.#hash = hash
    this.#end = end
  }

  /** Copies the next bytes; the stream is kept once it is complete. */
  add(chunk: Uint8Array): void {
    if (!this.#end) return
    this.#bytes.set(chunk, this.#offset)
    this.#hash.update(chunk)
    this.#offset += chunk.byteLength
    if (this.#offset < this.#bytes.byteLength) return
    this.#end(this.#bytes)
    this.#end = undefined
  }

  /** Gives up, unless it is complete. It may be called twice. */
  close(): void {
    this.#end?.(undefined)
    this.#end = undefined
  }
}
