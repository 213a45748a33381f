type Bytes = Uint8Array<ArrayBuffer>

/** Blocks that were read last, in memory, so that they are not read and checked again for each range of them. */
export class RecentBlocks {
  readonly #limit: number
  /** By id of the stream, the one that was used last at the end. */
  readonly #blocks = new Map<string, Bytes>()
  readonly #loading = new Map<string, Promise<Bytes | undefined>>()
  #byteLength = 0
  #clears = 0

  /** Holds at most `limit` bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** A block, which nobody may change; `load` reads it if it is not here. Callers at the same time share that. */
  async get(id: string, load: () => Promise<Bytes | undefined>): Promise<Bytes | undefined> {
    if (this.#limit === 0) return load()
    const known = this.#blocks.get(id)
    if (known) {
      this.#blocks.delete(id)
      this.#blocks.set(id, known)
      return known
    }
    const loading = this.#loading.get(id) ?? this.#load(id, load)
    return loading
  }

  /** Forgets all blocks. */
  clear(): void {
    this.#blocks.clear()
    this.#byteLength = 0
    this.#clears++
  }

  #load(id: string, load: () => Promise<Bytes | undefined>): Promise<Bytes | undefined> {
    const clears = this.#clears
    const loading = load().then((bytes) => {
      this.#loading.delete(id)
      if (bytes && clears === this.#clears) this.#add(id, bytes)
      return bytes
    })
    this.#loading.set(id, loading)
    return loading
  }

  #add(id: string, bytes: Bytes): void {
    this.#blocks.set(id, bytes)
    this.#byteLength += bytes.byteLength
    for (const [oldest, { byteLength }] of this.#blocks) {
      if (this.#byteLength <= this.#limit) return
      this.#blocks.delete(oldest)
      this.#byteLength -= byteLength
    }
  }
}
