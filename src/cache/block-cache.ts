import type { ByteRange } from '../bytes/byte-range.ts'
import { markHandled } from '../bytes/promises.ts'
import type { StoreHost } from '../store/host.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { engineBlob, openStoredBlocks, type StoredStream } from '../store/reading/stored-stream.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { BlobAnswers, type Removals } from './blob-answers.ts'
import { blockKey, blockReference } from './cache-keys.ts'
import { type BlockRecord, formatBlock, parseBlock } from './cache-records.ts'
import { parseRecord, readRecord, readRow } from './cache-store.ts'
import { collectEvicted, isCleared, occupiedBytes, readUsage, ROW_BYTES, setUsage, usageIn } from './cache-usage.ts'
import { Evictor } from './evictor.ts'
import { removeDamagedBlock } from './remove-blocks.ts'
import { RecentBlocks } from './recent-blocks.ts'
import { RecentUses } from './recent-uses.ts'

/** How long nothing is kept after the store has failed, in milliseconds. */
const PAUSE_MS = 10_000
/** Blocks that wait to be stored, in all readers of a hive. */
const WAITING_BLOCKS = 4
/** Room that is made at a time: a sixteenth of the budget, but not more than this, so that looking for it is rare. */
const MOST_ROOM_BYTES = 16_000_000

/** Damaged streams that are remembered: a stream that is forgotten is read, and found damaged, once more. */
const MOST_DAMAGED = 1000

/** A block to keep. */
export interface NewBlock {
  readonly partition: Uint8Array
  readonly name: Uint8Array
  /** The bytes: exactly those of the block. They are not changed any more. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** SHA-256 that they must have; undefined if it is not known. */
  readonly digest: Uint8Array | undefined
  readonly owner: Uint8Array
  readonly index: number
  /** Blocks that were used at this time or later are not removed for this one. */
  readonly beforeMs: number
  /** Number of the last clearing when its reader began. */
  readonly clears: number | undefined
  /** Adds rows about the version to the commit. */
  note(tx: Transaction): Promise<void>
}

/** What became of a block that was to be kept. */
export type Keeping =
  /** It is kept, as the stream with this id. */
  | { readonly kind: 'kept'; readonly id: string }
  /** Nothing could make room for it. */
  | { readonly kind: 'full' }
  /** The cache was cleared since its reader began, or nothing is to be stored any more. */
  | { readonly kind: 'givenUp' }
  /** The hive does not tell its digest. */
  | { readonly kind: 'unnamed' }
  /** The store has failed, or the bytes are not those of the digest. */
  | { readonly kind: 'failed'; readonly error: unknown }

/** The blocks in a store, within a budget. */
export class BlockCache {
  readonly store: StreamStore
  readonly limit: number
  readonly host: StoreHost
  readonly uses: RecentUses
  /** What can be answered with Blobs. */
  readonly answers: BlobAnswers = new BlobAnswers()
  readonly #evictor: Evictor
  readonly #recent: RecentBlocks
  readonly #onError: ((error: unknown) => void) | undefined
  readonly #signal: AbortSignal | undefined
  /** Blocks are stored one after the other. */
  #storing: Promise<void> = Promise.resolve()
  #waiting = 0
  /** How often all has been cleared. */
  #clears = 0
  readonly #waitingForRoom: (() => void)[] = []
  #pausedUntilMs = -Infinity
  #pauseCause: unknown
  /** Ids of streams that were found damaged, and not stored again since. */
  readonly #damaged = new Set<string>()

  constructor(
    store: StreamStore,
    options: {
      limit: number
      /** Bytes of blocks that are held in memory. */
      memory?: number
      host: StoreHost
      onError: ((error: unknown) => void) | undefined
      signal: AbortSignal | undefined
    },
  ) {
    this.store = store
    this.limit = options.limit
    this.host = options.host
    this.#onError = options.onError
    this.#signal = options.signal
    this.#recent = new RecentBlocks(options.memory ?? 0)
    this.uses = new RecentUses(store, options.host)
    this.#evictor = new Evictor(store, this.uses, options.host)
  }

  /** Whether a block of this length is within the budget. */
  fits(length: number): boolean {
    return length + ROW_BYTES <= this.limit
  }

  /** Whether a block of this length may be kept, as far as that is known without trying. */
  mayKeep(length: number): boolean {
    const pauseMs = this.#pausedUntilMs - this.host.now()
    // The pause is longer only if the clock was set back.
    return !this.#signal?.aborted && this.fits(length) && (pauseMs <= 0 || pauseMs > PAUSE_MS)
  }

  /** Looks for a block. If the store fails, there is none; nor is there if the block that has the name is longer or shorter. */
  async find(partition: Uint8Array, name: Uint8Array, { start, end }: ByteRange): Promise<BlockRecord | undefined> {
    const record = await this.attempt(() => readRecord(this.store, blockKey(partition, name), parseBlock))
    return record?.length === end - start ? record : undefined
  }

  /** Uses the store for a reader, who must not fail if the store does: then the result is undefined. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.#pause(error)
      return undefined
    }
  }

  /**
   * Reads a block; undefined if it is gone or damaged. Reading a damaged one marks it, so that it is repaired when it is
   * stored again. `clears` is the number of the last clearing when its reader began.
   */
  async read(
    partition: Uint8Array,
    record: BlockRecord,
    clears: number | undefined,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#recent.get(record.id, () => this.#load(record))
    if (bytes && clears !== undefined) {
      await this.attempt(() => this.uses.note(partition, [record], clears))
    }
    return bytes
  }

  async #load({ id, length }: BlockRecord): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#damaged.has(id)) return undefined
    try {
      const stored = await this.store.open(id)
      if (stored.size !== length) return undefined
      const source = openStoredBlocks(stored, { start: 0, end: length })
      const first = await source.next()
      if (!first || first.byteLength === length) {
        await source.cancel(undefined)
        this.#addAnswer(stored)
        return first ?? new Uint8Array(0)
      }
      const bytes = new Uint8Array(length)
      bytes.set(first)
      let filled = first.byteLength
      for (let chunk = await source.next(); chunk; chunk = await source.next()) {
        bytes.set(chunk, filled)
        filled += chunk.byteLength
      }
      this.#addAnswer(stored)
      return bytes
    } catch (error) {
      const { name } = error as Error
      if (name === 'IntegrityError') {
        if (this.#damaged.size === MOST_DAMAGED) this.#damaged.clear()
        this.#damaged.add(id)
        this.answers.remove(id)
        this.report(error)
      } else if (name !== 'NotFoundError') this.#pause(error)
      return undefined
    }
  }

  /** Resolves when another block may be handed over to {@linkcode BlockCache.keep}. */
  async room(): Promise<void> {
    while (this.#waiting >= WAITING_BLOCKS) {
      await new Promise<void>((resolve) => {
        this.#waitingForRoom.push(resolve)
      })
    }
  }

  /** Stores a block when its turn comes; never rejects. */
  async keep(make: () => Promise<NewBlock | undefined>): Promise<Keeping> {
    this.#waiting++
    let keeping: Keeping = { kind: 'givenUp' }
    await this.inTurn(async () => {
      try {
        const block = await make()
        keeping = block ? await this.#store(block) : { kind: 'unnamed' }
      } catch (error) {
        keeping = { kind: 'failed', error }
        throw error
      }
    })
    this.#waiting--
    // All, since some of them may have gone meanwhile; each looks again.
    for (const wake of this.#waitingForRoom.splice(0)) wake()
    return keeping
  }

  /** Changes the store when the turn comes, unless all is cleared before; never rejects. */
  inTurn(change: () => Promise<void>): Promise<void> {
    const before = this.#storing
    this.#storing = this.#change(before, change, this.#clears)
    return this.#storing
  }

  /** Gives up all that waits to be stored. Resolves when nothing of it is being stored any more. */
  async giveUp(): Promise<void> {
    this.#clears++
    await this.#storing
    this.uses.clear()
    this.#recent.clear()
    this.answers.clear()
  }

  /** Resolves when all blocks that were handed over are stored or given up, and uses are written. */
  async flush(): Promise<void> {
    await this.#storing
    await this.uses.write()
  }

  /** Number of bytes in use. */
  async usedBytes(): Promise<number> {
    return occupiedBytes(await readUsage(this.store, this.host))
  }

  /** What has been removed so far; undefined if the store fails. */
  removals(): Promise<Removals | undefined> {
    return this.attempt(() => readUsage(this.store, this.host))
  }

  /** Tells that something went wrong which no reader notices. */
  report(error: unknown): void {
    if (!this.#signal?.aborted) this.#onError?.(error)
  }

  async #change(before: Promise<void>, change: () => Promise<void>, clears: number): Promise<void> {
    await before
    if (!this.#signal?.aborted && clears === this.#clears) await this.attempt(change)
  }

  async #store(block: NewBlock): Promise<Keeping> {
    const { bytes, beforeMs, clears } = block
    if (!this.fits(bytes.byteLength)) return { kind: 'full' }
    if (clears === undefined || this.#signal?.aborted) return { kind: 'givenUp' }
    if (!this.mayKeep(bytes.byteLength)) return { kind: 'failed', error: this.#pauseCause }
    await this.#evictor.collect()
    // Another tab may take the room meanwhile: once more then.
    for (let tries = 0; tries < 2; tries++) {
      if (!(await this.#makeRoom(bytes.byteLength + ROW_BYTES, beforeMs))) break
      const keeping = await this.#commit(block, clears)
      if (keeping.kind !== 'full') return keeping
    }
    return { kind: 'full' }
  }

  async #commit(block: NewBlock, clears: number): Promise<Keeping> {
    const { partition, name, bytes, digest, owner, index, note } = block
    const key = blockKey(partition, name)
    const reference = blockReference(partition, name)
    const damaged = await readRow(this.store, key)
    if (damaged && !parseRecord(damaged, parseBlock)) {
      this.#evictor.mayHaveLeft()
      await removeDamagedBlock(this.store, key)
    }
    // Bytes that the store has already are not written again, so they may be damaged there.
    const isNew = digest !== undefined && (await this.store.lookup([digest]))[0] === undefined
    const sink = this.store.sink({
      reference,
      digest,
      signal: this.#signal,
      onCommit: async (tx, { id }) => {
        const former = parseRecord(await tx.get(key), parseBlock)
        const usage = await usageIn(tx)
        if (await isCleared(tx, usage, partition, clears)) throw new NotKept('givenUp')
        const length = bytes.byteLength
        const freed = former ? former.length + ROW_BYTES : 0
        const isReplaced = former !== undefined && former.id !== id
        const kept = usage.kept + length + ROW_BYTES - freed
        // The stream that is replaced is there until it is collected.
        const evicted = usage.evicted + (isReplaced ? freed : 0)
        if (occupiedBytes({ ...usage, kept, evicted }) > this.limit) throw new NotKept('full')
        if (isReplaced) {
          this.#evictor.mayHaveLeft()
          await tx.unmarkAsUsed(former.id, reference)
        }
        tx.set(key, formatBlock({ id, length, storedMs: this.host.now(), owner, index }))
        setUsage(tx, usage, { kept, evicted })
        await note(tx)
      },
    })
    const writer = sink.getWriter()
    markHandled(writer.closed)
    try {
      markHandled(writer.write(bytes))
      await writer.close()
      const stored = await sink.stored
      this.#damaged.delete(stored.id)
      if (isNew) this.#addAnswer(stored)
      return { kind: 'kept', id: stored.id }
    } catch (error) {
      if (error instanceof NotKept) return { kind: error.kind }
      this.#evictor.mayHaveLeft()
      throw error
    }
  }

  /** Remembers a block whose bytes have just been checked. */
  #addAnswer(stored: StoredStream): void {
    this.answers.add(stored.id, () => {
      const blob = engineBlob(stored)
      return blob && this.attempt(() => blob)
    })
  }

  async #makeRoom(bytes: number, beforeMs: number): Promise<boolean> {
    let usage = await readUsage(this.store, this.host)
    const missing = (): number => occupiedBytes(usage) + bytes - this.limit
    if (missing() > 0 && usage.evicted > usage.collected) {
      // Another tab has evicted it, and did not or could not collect it yet.
      await collectEvicted(this.store, this.host)
      usage = await readUsage(this.store, this.host)
    }
    if (missing() <= 0) return true
    return (await this.#evictor.evict(Math.max(missing(), this.#roomBytes), beforeMs)) >= missing()
  }

  get #roomBytes(): number {
    return Math.min(Math.floor(this.limit / 16), MOST_ROOM_BYTES)
  }

  /** Keeps nothing for a while. An error that repeats is told once. */
  #pause(error: unknown): void {
    if (this.#signal?.aborted) return
    const { name } = error as Error
    if (name === 'IntegrityError') {
      // The network has changed the bytes: the next ones may be right.
      this.report(error)
      return
    }
    const nowMs = this.host.now()
    const isRepeated = nowMs < this.#pausedUntilMs
    this.#pausedUntilMs = nowMs + PAUSE_MS
    this.#pauseCause = error
    if (isRepeated) return
    this.report(error)
    // The engine has less room than the budget says.
    if (name === 'QuotaExceededError') {
      void this.inTurn(async () => {
        await this.#evictor.evict(this.#roomBytes, Infinity)
      })
    }
  }
}

/** Ends a commit because the block is not to be kept. */
class NotKept extends Error {
  readonly kind: 'full' | 'givenUp'

  constructor(kind: 'full' | 'givenUp') {
    super('the block is not to be kept')
    this.kind = kind
  }
}
