import { markHandled } from '../../bytes/promises.ts'
import type { BackgroundHash } from '../../bytes/hashing/background-sha256.ts'
import { createStreamDigest, loadChecksum } from '../checksums.ts'
import { loadEncoder } from '../codecs/block-codecs.ts'
import { type BlockEntry, MAX_CONTENT_BYTES } from '../rows/row-values.ts'
import type { StoreContext } from '../store-context.ts'
import type { StoredStream } from '../reading/stored-stream.ts'
import type { StoreTransaction } from '../transactions/store-transaction.ts'
import { acknowledgeStream, assertExpectedDigest } from './acknowledge-stream.ts'
import { BlockCutter, type CutBlock } from './block-cutter.ts'
import type { BlockSinkOptions } from './block-sink.ts'
import { StreamWriter } from './stream-writer.ts'

/** Makes the transaction for one attempt at the last commit. */
export type MakeTransaction = () => StoreTransaction

/** What an upload works with once it has begun. */
interface Tools {
  readonly cutter: BlockCutter
  readonly digest: BackgroundHash
}

/** A block on its way. */
interface Block {
  /** Its bytes; undefined once they are stored. */
  cut: CutBlock | undefined
  /** Its entry, once it is known where the block is; undefined before its put has begun. */
  entry: Promise<BlockEntry> | undefined
}

/** Why an upload failed. */
interface Failure {
  readonly reason: unknown
  /** Whether it was aborted from outside. */
  readonly aborted: boolean
}

/** Where an upload is in its life. */
type State =
  | { readonly kind: 'open' }
  /** Its last commit is running: a failure that comes meanwhile waits for the end of that. */
  | { readonly kind: 'committing'; readonly failure?: Failure }
  | { readonly kind: 'committed' }
  | { readonly kind: 'failed'; readonly failure: Failure }

/**
 * One stream on its way into the store. It has the stream cut into blocks, hashes it, has the blocks put in groups, and
 * commits.
 *
 * Nothing is written before the first group is full or the stream ends, so no object is written for a short stream that
 * the store already has. From then on every block is put as soon as it is complete; once it is stored, its memory serves
 * another one. There are at most two groups: while the entries of one wait for its puts, the next is filled.
 */
export class Upload {
  readonly #context: StoreContext
  readonly #makeTransaction: MakeTransaction
  readonly #options: BlockSinkOptions
  readonly #abort = new AbortController()
  readonly #writer: StreamWriter
  #state: State = { kind: 'open' }
  /** Rejects the step that runs. */
  #endStep: (reason: unknown) => void = () => undefined

  #tools: Promise<Tools> | undefined
  /** The blocks of the group that is being filled. */
  #group: Block[] = []
  /** Number of blocks that are complete, and not stored yet. */
  #held = 0
  /** Called when one of them has been stored. */
  #onPut: () => void = () => undefined
  /** Settles when the row is made of a stream whose blocks are all in the first group. */
  #made: Promise<void> | undefined
  /** Settles when the previous group is in pages. */
  #appended: Promise<void> | undefined
  #size = 0
  #blocksSincePause = 0

  readonly stored: Promise<StoredStream>
  #resolveStored: (stored: StoredStream) => void = () => undefined
  #rejectStored: (reason: unknown) => void = () => undefined
  /** Settles when what a failed upload wrote has been removed, as far as it can be. */
  discarded: Promise<void> | undefined
  /** Called at once when the upload is aborted; if it fails by itself, once everything has been removed. */
  onFailure: (reason: unknown) => void = () => undefined

  constructor(context: StoreContext, makeTransaction: MakeTransaction, options: BlockSinkOptions) {
    this.#context = context
    this.#makeTransaction = makeTransaction
    this.#options = options
    this.#writer = new StreamWriter(context, this.#abort.signal)
    this.stored = new Promise((resolve, reject) => {
      this.#resolveStored = resolve
      this.#rejectStored = reject
    })
  }

  /** Does a step of the upload; if it fails, so does the upload, and what it wrote is removed before this rejects. */
  async run<T>(step: () => Promise<T>): Promise<T> {
    try {
      this.#assertAlive()
      return await this.#orFailure(step())
    } catch (error) {
      // It is stored, but can no longer be opened.
      if (this.#state.kind === 'committed') this.#rejectStored(error)
      // If there was a failure before, this one is its consequence.
      const failure = this.#fail({ reason: error, aborted: false })
      // After an abort this rejects at once; the sink's abort() waits for the removal.
      if (!failure.aborted) await this.discarded
      throw error === this.#abort.signal.reason ? failure.reason : error
    }
  }

  /**
   * Settles like the step, but rejects as soon as the upload fails. Only one step runs at a time. Listening to the signal
   * for each would take longer than most steps.
   */
  #orFailure<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#endStep = reject
      step.then(resolve, reject)
    })
  }

  /** Aborts the upload from outside. While its last commit is running, this waits, and may come too late. */
  abort(reason: unknown): void {
    this.#fail({ reason, aborted: true })
  }

  /** Records the first failure, and returns it. */
  #fail(failure: Failure): Failure {
    const state = this.#state
    if (state.kind === 'failed') return state.failure
    if (state.kind === 'committing' && state.failure) return state.failure
    if (state.kind === 'committing') this.#state = { kind: 'committing', failure }
    else if (state.kind === 'open') this.#giveUp(failure)
    return failure
  }

  #giveUp(failure: Failure): void {
    const { reason, aborted } = failure
    this.#state = { kind: 'failed', failure }
    this.#abort.abort(reason)
    this.#endStep(reason)
    this.discarded = this.#discard().finally(() => {
      this.#rejectStored(reason)
      if (!aborted) this.onFailure(reason)
    })
    this.#context.track(this.discarded)
    if (aborted) this.onFailure(reason)
  }

  #assertAlive(): void {
    if (this.#state.kind === 'failed') throw this.#state.failure.reason
  }

  /** Takes a chunk, which is not needed any more when this resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#tools ??= this.#begin()
    const { cutter } = await this.#tools
    for (let rest = chunk; rest.byteLength > 0;) {
      if (this.#pauseDue) await this.#pause()
      await this.#waitForRoom()
      this.#assertAlive()
      const { taken, block } = cutter.push(rest)
      rest = rest.subarray(taken)
      if (block) {
        this.#add(block)
        if (cutter.hashing) await cutter.hashing
        if (this.#isGroupFull) await this.#nextGroup()
      }
    }
  }

  /** Ends the stream, and commits it. */
  async close(): Promise<void> {
    this.#tools ??= this.#begin()
    const { cutter, digest } = await this.#tools
    this.#assertAlive()
    const content = cutter.endAsContent(MAX_CONTENT_BYTES)
    const last = content ? undefined : cutter.end()
    if (last) this.#add(last)
    const actual = await digest.digest()
    assertExpectedDigest(this.#options, actual)
    await this.#appended
    this.#assertAlive()
    this.#beginRow()
    const stored = await acknowledgeStream(this.#context, {
      options: this.#options,
      writer: this.#writer,
      size: content?.byteLength ?? this.#size,
      content,
      digest: actual,
      signal: this.#abort.signal,
      makeTransaction: this.#makeTransaction,
      assertAlive: () => this.#assertAlive(),
      putLast: (end) => this.#putLast(end),
      runLastCommit: (commit) => this.#runLastCommit(commit),
    })
    this.#resolveStored(stored)
  }

  async #begin(): Promise<Tools> {
    const { backend, codec, blockSize } = this.#context
    const [digest, checksum, encode] = await Promise.all([
      createStreamDigest(backend),
      loadChecksum(),
      loadEncoder(codec),
      this.#context.readyToWrite({ signal: this.#abort.signal }),
    ])
    return { digest, cutter: new BlockCutter({ blockSize, encode, checksum, digest }) }
  }

  /** Whether the back-off asks for a pause before the next block. */
  get #pauseDue(): boolean {
    const backoff = this.#context.writeBackoff()
    return backoff !== undefined && this.#blocksSincePause >= backoff.blocks
  }

  async #pause(): Promise<void> {
    this.#blocksSincePause = 0
    await this.#context.host.sleep(this.#context.writeBackoff()!.pauseMs, this.#abort.signal)
  }

  /** Waits until another block may be in memory. */
  async #waitForRoom(): Promise<void> {
    while (this.#held >= this.#context.host.budget.heldBlocks) {
      await new Promise<void>((resolve) => {
        this.#onPut = resolve
      })
    }
  }

  #add(cut: CutBlock): void {
    this.#size += cut.rawLength
    this.#held++
    this.#group.push({ cut, entry: undefined })
    this.#blocksSincePause++
    // Before there is a row the first group waits until it is full.
    if (this.#appended) void this.#put(this.#group)
  }

  /** Begins the puts that have not begun, and resolves with the entries of all these blocks. */
  #put(blocks: readonly Block[]): Promise<BlockEntry[]> {
    for (const block of blocks) {
      block.entry ??= this.#putBlock(block)
      markHandled(block.entry)
    }
    const entries = Promise.all(blocks.map(({ entry }) => entry!))
    markHandled(entries)
    return entries
  }

  /** Puts a block, and frees its memory. */
  async #putBlock(block: Block): Promise<BlockEntry> {
    const cut = block.cut!
    try {
      const entry = await this.#writer.put(cut)
      const { cutter } = await this.#tools!
      block.cut = undefined
      this.#held--
      cutter.giveBack(cut)
      this.#onPut()
      return entry
    } catch (reason) {
      // Its group may never be full, since a write may wait for this memory.
      this.#fail({ reason, aborted: false })
      throw reason
    }
  }

  /** Whether the group that is being filled ends here: once it has enough blocks, or the lease needs a commit. */
  get #isGroupFull(): boolean {
    const { host, leaseMs } = this.#context
    const { firstGroupBlocks, groupBlocks } = host.budget
    if (!this.#appended) return this.#group.length === firstGroupBlocks
    return this.#group.length === groupBlocks || host.now() >= this.#writer.leaseUntil - leaseMs / 2
  }

  /** Has the full group written, and begins the next one. */
  async #nextGroup(): Promise<void> {
    const full = this.#group
    const previous = this.#appended
    await previous
    this.#assertAlive()
    // Names are reserved for two groups: this one and the next.
    if (!previous) markHandled(this.#writer.make(2 * this.#context.host.budget.groupBlocks))
    this.#appended = this.#append(full)
    this.#appended.catch((reason: unknown) => this.#fail({ reason, aborted: false }))
    this.#group = []
  }

  /** Appends the entries of a group once it is put, with as many new names as it has taken. */
  async #append(blocks: readonly Block[]): Promise<void> {
    const entries = await this.#put(blocks)
    // A removal that has begun would not know the names.
    this.#assertAlive()
    await this.#writer.append(entries, blocks.length)
  }

  /**
   * Begins to make the row of a stream with blocks, if there is none yet. A stream that the store has already takes one,
   * too, so this need not wait until that is known.
   */
  #beginRow(): void {
    if (this.#appended || this.#group.length === 0) return
    this.#made = this.#writer.make(this.#group.length)
    markHandled(this.#made)
  }

  /** Makes the row of the stream, if there is none yet, and puts the blocks of the last group, unless `duplicate`. */
  async #putLast({ duplicate, atOnce }: { duplicate: boolean; atOnce: boolean }): Promise<BlockEntry[]> {
    await this.#made
    // For a stream that the store already has, only the row is made: it shows how the last commit ended.
    const puts = duplicate ? [] : this.#group
    const begun = puts.filter(({ entry }) => entry !== undefined).length
    if (!this.#writer.made && atOnce && puts.length === 0) await this.#writer.plan()
    else if (!this.#writer.made) await this.#writer.make(puts.length)
    else if (puts.length > begun) await this.#writer.ensureNames(puts.length - begun)
    return this.#put(puts)
  }

  /**
   * Runs the last commit. A failure that comes meanwhile waits for its end, and is ignored if the commit is applied.
   */
  async #runLastCommit(commit: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    this.#state = { kind: 'committing' }
    let survivor: Uint8Array | undefined
    try {
      survivor = await commit()
    } finally {
      const { failure } = this.#state
      this.#state = survivor ? { kind: 'committed' } : { kind: 'open' }
      if (!survivor && failure) this.#giveUp(failure)
    }
    return survivor
  }

  async #discard(): Promise<void> {
    markHandled(this.#tools?.then(({ digest }) => digest.discard?.()))
    try {
      await this.#writer.discard()
    } catch {
      // The caller gets the failure of the upload; collection removes what is left.
      return
    }
  }
}
