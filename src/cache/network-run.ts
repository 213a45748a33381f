import { ChunkReader } from '../bytes/chunk-reader.ts'
import { markHandled } from '../bytes/promises.ts'
import { BackendError } from '../errors.ts'
import type { BlockNames } from './block-names.ts'

/** A block in memory, perhaps while it arrives. */
export interface HeldBlock {
  readonly index: number
  /** As long as the block; the first `filled` bytes have arrived. */
  readonly bytes: Uint8Array<ArrayBuffer>
  filled: number
}

/** What a {@linkcode NetworkRun} needs. */
export interface NetworkRunOptions {
  readonly names: BlockNames
  /** Index of the first block, and the one after the last. */
  readonly first: number
  readonly end: number
  /** Opens the bytes of all blocks. */
  open(range: { start: number; end: number }, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  /** Resolves when another block may be begun. */
  room(): Promise<void>
  /** Called with the number of bytes that have arrived. */
  onBytes(byteLength: number): void
  /** Called with each block that is complete. */
  onBlock(block: HeldBlock): void
  /** Called once, when nothing more will come. */
  onEnd(): void
}

/**
 * Fetches consecutive blocks of one version with one stream, block by block, as its members ask: readers of the same bytes
 * share it. The bytes can be read as they arrive. It holds one block.
 */
export class NetworkRun {
  readonly #options: NetworkRunOptions
  readonly #giveUp = new AbortController()
  #chunks: ChunkReader | undefined
  #rest: Uint8Array | undefined
  #block: HeldBlock | undefined
  #next: number
  #members = 0
  #beginning: Promise<HeldBlock> | undefined
  #pulling: Promise<void> | undefined
  #ended = false

  constructor(options: NetworkRunOptions) {
    this.#options = options
    this.#next = options.first
  }

  /** Whether it can deliver this block from its beginning. The next one begins only when this one is complete. */
  offers(index: number): boolean {
    if (this.#ended) return false
    if (this.holds(index)) return true
    const isBetween = !this.#block || this.#block.filled === this.#block.bytes.byteLength
    return isBetween && this.#next === index && index < this.#options.end
  }

  /** Whether it has begun this block, and no later one. */
  holds(index: number): boolean {
    return !this.#ended && this.#block?.index === index
  }

  /** Counts a reader. */
  join(): void {
    this.#members++
  }

  /** Discounts a reader. When the last one leaves, the stream is cancelled. */
  leave(): void {
    if (--this.#members === 0) this.#stop(undefined)
  }

  /** Begins a block that it offers, or returns it if that has happened. */
  async block(index: number): Promise<HeldBlock> {
    if (this.#block?.index === index) return this.#block
    this.#beginning ??= this.#begin(index).finally(() => {
      this.#beginning = undefined
    })
    return this.#beginning
  }

  /** Waits for more bytes of a block that has begun and is not complete. */
  async pull(): Promise<void> {
    this.#pulling ??= this.#pull().finally(() => {
      this.#pulling = undefined
    })
    return this.#pulling
  }

  async #begin(index: number): Promise<HeldBlock> {
    await this.#options.room()
    this.#giveUp.signal.throwIfAborted()
    const { start, end } = this.#options.names.rangeOf(index)
    this.#block = { index, bytes: new Uint8Array(end - start), filled: 0 }
    this.#next = index + 1
    return this.#block
  }

  async #pull(): Promise<void> {
    const block = this.#block!
    try {
      const chunk = this.#rest ?? (await this.#read())
      if (!chunk) throw new BackendError('the bytes of the entry end too early', { retryable: false })
      const piece = chunk.subarray(0, block.bytes.byteLength - block.filled)
      block.bytes.set(piece, block.filled)
      block.filled += piece.byteLength
      this.#rest = piece.byteLength < chunk.byteLength ? chunk.subarray(piece.byteLength) : undefined
    } catch (error) {
      this.#stop(error)
      throw error
    }
    if (block.filled < block.bytes.byteLength) return
    this.#options.onBlock(block)
    if (this.#next === this.#options.end) this.#stop(undefined)
  }

  async #read(): Promise<Uint8Array | undefined> {
    const { signal } = this.#giveUp
    const { names, first, end, open, onBytes } = this.#options
    if (!this.#chunks) {
      const range = { start: names.rangeOf(first).start, end: names.rangeOf(end - 1).end }
      this.#chunks = new ChunkReader(await open(range, signal))
      if (signal.aborted) markHandled(this.#chunks.cancel(signal.reason))
    }
    const chunk = await this.#chunks.read()
    onBytes(chunk?.byteLength ?? 0)
    return chunk
  }

  #stop(reason: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#giveUp.abort(reason ?? new DOMException('nobody reads on', 'AbortError'))
    if (this.#chunks) markHandled(this.#chunks.cancel(reason))
    this.#options.onEnd()
  }
}
