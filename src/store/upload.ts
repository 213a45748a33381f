import { equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import { BlockBuffer } from '../bytes/block-buffer.ts'
import { abortable, markHandled } from '../bytes/promises.ts'
import { BackendError, IntegrityError } from '../errors.ts'
import type { Attempt } from './attempt.ts'
import type { StreamingHash } from './backend.ts'
import type { BlockSinkOptions } from './block-sink.ts'
import { type Checksum, createDigest, loadChecksum } from './checksums.ts'
import { type BlockEntry, isUsable } from './format.ts'
import { referenceKey } from './references.ts'
import { waitToRetry } from './retry.ts'
import { noSuchStream, readStream, type StoreContext } from './store-context.ts'
import { storedStream, type StoredStream } from './stored-stream.ts'
import { StoringStream } from './storing-stream.ts'

/** Makes an attempt at a commit. */
export type MakeAttempt = () => Attempt

/** What a stream begins with, lest a short one costs a whole block of memory; these bytes are copied once more. */
const FIRST_BUFFER_BYTES = 64 * 1024

/** A block that has been filled. */
interface FullBlock {
  readonly buffer: BlockBuffer
  readonly checksum: Uint8Array
  put: Promise<BlockEntry> | undefined
}

/** Blocks whose entries are committed together. */
interface Group {
  readonly blocks: FullBlock[]
  /** Ids of the objects that the blocks become, one each; their intents are committed. */
  objects: Promise<Uint8Array[]> | undefined
  /** Settles when the entries are committed. */
  done: Promise<void> | undefined
}

/**
 * One stream on its way into the store: cuts it in blocks, hashes them, puts them in groups, and commits.
 *
 * Nothing is written before the first group is full or the stream ends, so a short stream that the store has already
 * costs no object. From then on at most two groups are alive: while the entries of one wait for its puts, the next is
 * filled and put.
 */
export class Upload {
  readonly #context: StoreContext
  readonly #makeAttempt: MakeAttempt
  readonly #options: BlockSinkOptions
  readonly #abort = new AbortController()
  readonly #storing: StoringStream

  #hashes: Promise<{ digest: StreamingHash; checksum: Checksum }> | undefined
  #buffer: BlockBuffer | undefined
  readonly #pool: BlockBuffer[] = []
  #group: Group = { blocks: [], objects: undefined, done: undefined }
  #previous: Group | undefined
  #size = 0

  #committing = false
  #committed = false
  #aborted = false
  #failure: { readonly reason: unknown } | undefined
  readonly stored: Promise<StoredStream>
  #resolveStored: (stored: StoredStream) => void = () => undefined
  #rejectStored: (reason: unknown) => void = () => undefined
  /** Settles when what a failed upload wrote has been removed, as far as it can be. */
  discarded: Promise<void> | undefined
  /** Called at once when the upload is aborted, and when all is removed if it fails by itself. */
  onFailure: (reason: unknown) => void = () => undefined

  constructor(context: StoreContext, makeAttempt: MakeAttempt, options: BlockSinkOptions) {
    this.#context = context
    this.#makeAttempt = makeAttempt
    this.#options = options
    this.#storing = new StoringStream(context, this.#abort.signal)
    this.stored = new Promise((resolve, reject) => {
      this.#resolveStored = resolve
      this.#rejectStored = reject
    })
  }

  /** Does a step of the upload; if it fails, so does the upload, and what it wrote is removed before this rejects. */
  async run<T>(step: () => Promise<T>): Promise<T> {
    try {
      this.#assertAlive()
      return await abortable(step(), this.#abort.signal)
    } catch (failure) {
      // A signal never has the reason `undefined`.
      const error = failure === this.#abort.signal.reason ? this.#failure?.reason : failure
      this.#fail(error)
      // Who aborts is answered at once; what has to be removed is awaited by the sink's abort().
      if (!this.#aborted) await this.discarded
      throw error
    }
  }

  /** Gives the upload up, from outside. While its last commit is under way this waits, and may come too late. */
  abort(reason: unknown): void {
    if (this.#failure || this.#committed) return
    this.#aborted = true
    this.#fail(reason)
  }

  #fail(reason: unknown): void {
    if (this.#failure || this.#committed) return
    this.#failure = { reason }
    if (!this.#committing) this.#giveUp(reason)
  }

  #giveUp(reason: unknown): void {
    this.#abort.abort(reason)
    this.discarded = this.#discard().finally(() => {
      this.#rejectStored(reason)
      if (!this.#aborted) this.onFailure(reason)
    })
    this.#context.track(this.discarded)
    if (this.#aborted) this.onFailure(reason)
  }

  /** Takes a chunk; it is used up when this resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#hashes ??= this.#start()
    const hashes = await this.#hashes
    for (let rest = chunk; rest.byteLength > 0;) {
      this.#assertAlive()
      this.#buffer = this.#roomyBuffer()
      rest = rest.subarray(this.#buffer.fill(rest))
      if (this.#buffer.byteLength === this.#context.blockSize) {
        this.#seal(hashes)
        if (this.#group.blocks.length === this.#context.host.budget.groupBlocks) await this.#nextGroup()
      }
    }
  }

  /** A buffer with room for some more of the block. */
  #roomyBuffer(): BlockBuffer {
    const { blockSize } = this.#context
    const buffer = this.#buffer
    if (buffer && !buffer.full) return buffer
    if (!buffer && this.#size === 0) return new BlockBuffer(Math.min(blockSize, FIRST_BUFFER_BYTES))
    const whole = this.#pool.pop() ?? new BlockBuffer(blockSize)
    if (buffer) whole.fill(buffer.bytes)
    return whole
  }

  /** Ends the stream, and commits it. */
  async close(): Promise<void> {
    this.#hashes ??= this.#start()
    const hashes = await this.#hashes
    this.#assertAlive()
    if (this.#buffer && this.#buffer.byteLength > 0) this.#seal(hashes)
    const digest = hashes.digest.digest()
    const expected = this.#options.digest
    if (expected && !equalBytes(expected, digest)) {
      throw new IntegrityError('the bytes do not have the digest that was given for them', {
        expected: toHex(expected),
        actual: toHex(digest),
      })
    }
    await this.#previous?.done
    this.#assertAlive()
    const stored = await this.#finish(digest)
    this.#resolveStored(stored)
  }

  async #start(): Promise<{ digest: StreamingHash; checksum: Checksum }> {
    const [digest, checksum] = await Promise.all([
      createDigest(this.#context.backend),
      loadChecksum(),
      this.#context.readyToWrite({ signal: this.#abort.signal }),
    ])
    return { digest, checksum }
  }

  #assertAlive(): void {
    if (this.#failure && !this.#committing) throw this.#failure.reason
  }

  /** Ends the block that is being filled. */
  #seal({ digest, checksum }: { digest: StreamingHash; checksum: Checksum }): void {
    const buffer = this.#buffer!
    this.#buffer = undefined
    digest.update(buffer.bytes)
    this.#size += buffer.byteLength
    this.#group.blocks.push({ buffer, checksum: checksum(buffer.bytes), put: undefined })
    this.#put(this.#group)
  }

  /** Begins to put the blocks of a group, if it has objects for them. */
  #put(group: Group): void {
    const { objects } = group
    if (!objects) return
    group.blocks.forEach((block, index) => {
      block.put ??= objects.then((ids) => this.#storing.put(ids[index]!, block.buffer.bytes, block.checksum))
      markHandled(block.put)
    })
  }

  /** Hands the group that is full over to the backend, and begins the next one. */
  async #nextGroup(): Promise<void> {
    const { groupBlocks } = this.#context.host.budget
    const full = this.#group
    const previous = this.#previous
    // Its buffers are free now, and the intents of the group after next are committed.
    await previous?.done
    this.#assertAlive()
    const next: Group = { blocks: [], objects: undefined, done: undefined }
    if (previous) {
      next.objects = Promise.resolve(this.#storing.reserved)
    } else {
      const created = this.#storing.create(2 * groupBlocks)
      markHandled(created)
      full.objects = created.then((ids) => ids.slice(0, groupBlocks))
      next.objects = created.then((ids) => ids.slice(groupBlocks))
      markHandled(full.objects)
      markHandled(next.objects)
    }
    this.#put(full)
    full.done = this.#append(full)
    full.done.catch((error: unknown) => this.#fail(error))
    this.#previous = full
    this.#group = next
  }

  async #append(group: Group): Promise<void> {
    const entries = await Promise.all(group.blocks.map((block) => block.put!))
    await this.#storing.append(entries, this.#context.host.budget.groupBlocks)
    for (const { buffer } of group.blocks) {
      buffer.clear()
      this.#pool.push(buffer)
    }
  }

  async #finish(digest: Uint8Array): Promise<StoredStream> {
    const { onCommit, reference } = this.#options
    const storing = this.#storing
    const { host } = this.#context
    for (let number = 0; number < host.budget.conflicts; number++) {
      await waitToRetry(host, number, this.#abort.signal)
      const attempt = this.#makeAttempt()
      const known = await storing.findStored(attempt, digest)
      this.#assertAlive()
      const entries = await this.#putLast(known !== undefined)
      this.#assertAlive()
      if (known) storing.endAsDuplicate(attempt, known.id)
      const { id, record } = known ?? (await storing.endAsStored(attempt, entries, this.#size, digest))
      const stored = storedStream(this.#context, id, record)
      await onCommit?.(attempt, stored)
      if (reference) await attempt.markAsUsed(stored.id, reference, this.#options)
      const { key } = reference ? await referenceKey(this.#context, id, reference, this.#options) : {}
      const changes = await attempt.changes()
      this.#assertAlive()
      const survivor = await this.#commit(() => storing.commitLast(changes, id, key))
      if (!survivor) continue
      if (!equalBytes(survivor, storing.id)) await this.#wipeDuplicate()
      return equalBytes(survivor, id) ? stored : await this.#open(survivor)
    }
    throw new BackendError(`the last commit lost to others ${host.budget.conflicts} times`, { retryable: true })
  }

  /** Makes the row of the stream, if there is none yet, and puts the blocks of the last group, unless `known`. */
  async #putLast(known: boolean): Promise<BlockEntry[]> {
    const storing = this.#storing
    const group = this.#group
    if (!storing.created) {
      // Of a stream that the store has, only the row is made: it tells how the last commit ended.
      const objects = await storing.create(known ? 0 : group.blocks.length)
      if (!known) group.objects = Promise.resolve(objects)
    } else if (!known && group.blocks.length > 0) {
      group.objects ??= storing.intend(group.blocks.length)
    }
    if (known) return []
    this.#put(group)
    return Promise.all(group.blocks.map((block) => block.put!))
  }

  /** Runs the last commit: a failure that comes meanwhile waits for its end, and counts for nothing if it is applied. */
  async #commit(run: () => Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    this.#committing = true
    let survivor: Uint8Array | undefined
    try {
      survivor = await run()
    } finally {
      this.#committing = false
      if (survivor) this.#committed = true
      else if (this.#failure) this.#giveUp(this.#failure.reason)
    }
    return survivor
  }

  /** What is left of a duplicate is no loss: collection finds it. The store itself is acknowledged. */
  async #wipeDuplicate(): Promise<void> {
    try {
      await this.#storing.discard()
    } catch {
      return
    }
  }

  async #open(id: Uint8Array): Promise<StoredStream> {
    const found = await readStream(this.#context, id)
    if (!found || !isUsable(found.record.status)) throw noSuchStream(toHex(id))
    return storedStream(this.#context, id, found.record)
  }

  async #discard(): Promise<void> {
    try {
      await this.#storing.discard()
    } catch {
      // The failure of the upload is what its caller is told; collection removes what is left.
      return
    }
  }
}
