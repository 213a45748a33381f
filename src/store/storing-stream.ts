import { equalBytes } from '../bytes/byte-order.ts'
import { toHex } from '../bytes/byte-text.ts'
import { BackendError } from '../errors.ts'
import type { Attempt } from './attempt.ts'
import type { Check, Mutation, VersionedValue } from './backend.ts'
import {
  type BlockEntry,
  CODEC_NONE,
  EPOCH_BYTES,
  formatCandidate,
  formatPage,
  formatStream,
  formatStreamId,
  isUsable,
  PAGE_ENTRIES,
  parseStream,
  parseStreamId,
  type StreamRecord,
} from './format.ts'
import { deleteObjects, removeObjects, removeStream } from './remove-stream.ts'
import { backOff, isRetryable, maybeApplied, TRIES } from './retry.ts'
import { randomId, type StoreContext } from './store-context.ts'

/** A stream that the store has. */
export interface KnownStream {
  readonly id: Uint8Array
  readonly record: StreamRecord
}

/**
 * The rows and objects of one stream that is being stored: the protocol of `docs/formats.md`, "Storing", step by step.
 * Calls are made one after the other, but for `put`.
 */
export class StoringStream {
  readonly #context: StoreContext
  readonly #signal: AbortSignal
  #id: Uint8Array = randomId()
  #record: StreamRecord
  /** Version of the row `s`; undefined before it exists. */
  #version: string | undefined
  /** Whether a commit that makes the row was ever sent. */
  #mayExist = false
  /** Objects that have an intent, put or not. */
  readonly #intents = new Map<string, Uint8Array>()
  /** Objects whose put failed, perhaps after it was applied. */
  #abandoned: Uint8Array[] = []
  /** Entries of the page that is not full yet. */
  #page: readonly BlockEntry[] = []
  #reserved: Uint8Array[] = []
  /** What a last commit of unknown outcome may have done: the stream that survives, and the reference that it has then. */
  readonly #tried: { readonly survivor: Uint8Array; readonly referenceKey: Uint8Array | undefined }[] = []
  readonly #pending = new Set<Promise<unknown>>()

  /** `signal` gives up what is being put or waited for; commits that have begun are waited for. */
  constructor(context: StoreContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
    const now = Date.now()
    this.#record = {
      status: { kind: 'storing' },
      epoch: crypto.getRandomValues(new Uint8Array(EPOCH_BYTES)),
      createdAt: now,
      leaseUntil: now + context.leaseMs,
      size: 0,
      blockCount: 0,
      blockSize: context.blockSize,
      codec: CODEC_NONE,
      digest: undefined,
      extensions: new Uint8Array(0),
    }
  }

  /** Id of the stream, final once it is created. */
  get id(): Uint8Array {
    return this.#id
  }

  /** Whether its row exists. */
  get created(): boolean {
    return this.#version !== undefined
  }

  /** Objects whose intents the last append committed. */
  get reserved(): Uint8Array[] {
    return this.#reserved
  }

  /** Makes the row, with intents for `count` objects. */
  create(count: number): Promise<Uint8Array[]> {
    return this.#track(this.#create(count))
  }

  async #create(count: number): Promise<Uint8Array[]> {
    const { backend, keys } = this.#context
    for (let tries = 1; ; tries++) {
      const objects = this.#newObjects(count)
      const key = keys.stream(this.#id)
      const value = formatStream(this.#record)
      let failure: unknown
      this.#mayExist = true
      try {
        const created = await backend.metadata.commit(
          [{ key, version: undefined }],
          [
            { key, value },
            { key: keys.candidate(this.#id), value: formatCandidate(this.#record.createdAt) },
            ...this.#intentsOf(objects),
          ],
        )
        if (!created) failure = new BackendError('a new id exists', { retryable: false })
      } catch (error) {
        failure = error
      }
      if (failure === undefined || maybeApplied(failure)) {
        const row = await this.#readOwn()
        if (row && equalBytes(row.value, value)) {
          this.#version = row.version
          return objects
        }
      }
      if (tries === TRIES || !(maybeApplied(failure) || isRetryable(failure))) throw failure ?? this.#lost()
      await backOff(tries, this.#signal)
      // The absence of the row may come again, so a creation that may still be applied is never repeated.
      this.#id = randomId()
      this.#intents.clear()
    }
  }

  /** Commits intents for `count` more objects. */
  intend(count: number): Promise<Uint8Array[]> {
    return this.#track(this.#intend(count))
  }

  async #intend(count: number): Promise<Uint8Array[]> {
    for (let tries = 1; ; tries++) {
      const objects = this.#newObjects(count)
      try {
        await this.#context.backend.metadata.commit([], this.#intentsOf(objects))
        return objects
      } catch (error) {
        if (tries === TRIES || !(maybeApplied(error) || isRetryable(error))) throw error
      }
      await backOff(tries, this.#signal)
    }
  }

  /** Puts a block, under another name each time it is tried, and tells where it is. */
  put(object: Uint8Array, bytes: Uint8Array, checksum: Uint8Array): Promise<BlockEntry> {
    return this.#track(this.#put(object, bytes, checksum))
  }

  async #put(first: Uint8Array, bytes: Uint8Array, checksum: Uint8Array): Promise<BlockEntry> {
    const { backend, keys } = this.#context
    let object = first
    for (let tries = 1; ; tries++) {
      this.#signal.throwIfAborted()
      try {
        await backend.blocks.put(keys.object(object), bytes, { signal: this.#signal })
        const { byteLength } = bytes
        return { object, rawLength: byteLength, storedLength: byteLength, codec: CODEC_NONE, checksum }
      } catch (error) {
        if (this.#signal.aborted || tries === TRIES || !isRetryable(error)) throw error
      }
      await backOff(tries, this.#signal)
      this.#abandoned.push(object)
      object = (await this.#intend(1))[0]!
    }
  }

  /** Commits the entries of blocks that were put, and intents for `count` more, which are `reserved` then. */
  append(entries: readonly BlockEntry[], count: number): Promise<void> {
    return this.#track(this.#append(entries, count))
  }

  async #append(entries: readonly BlockEntry[], count: number): Promise<void> {
    const { keys } = this.#context
    const used = [...entries.map((entry) => entry.object), ...(await this.#deleteAbandoned())]
    const { pages, rest } = this.#pagesWith(entries)
    const next = this.#newObjects(count)
    const record: StreamRecord = {
      ...this.#record,
      leaseUntil: Date.now() + this.#context.leaseMs,
      size: this.#record.size + entries.reduce((sum, entry) => sum + entry.rawLength, 0),
      blockCount: this.#record.blockCount + entries.length,
    }
    await this.#commitOwn(record, [
      ...pages,
      ...used.map((object) => ({ key: keys.intent(object), value: undefined })),
      ...this.#intentsOf(next),
    ])
    for (const object of used) this.#intents.delete(toHex(object))
    this.#page = rest
    this.#reserved = next
  }

  /**
   * Finds a stored stream with this digest, and makes that it stays one, or that there is still none, a condition of
   * `attempt`.
   */
  async findStored(attempt: Attempt, digest: Uint8Array): Promise<KnownStream | undefined> {
    const { backend, keys } = this.#context
    const options = { signal: this.#signal }
    const key = keys.digest(digest)
    const row = await backend.metadata.get(key, options)
    if (row) {
      const id = parseStreamId(row.value)
      const streamKey = keys.stream(id)
      const streamRow = await backend.metadata.get(streamKey, options)
      const record = streamRow && parseStream(streamRow.value)
      if (record && isUsable(record.status)) {
        attempt.expect(streamKey, streamRow)
        if (record.status.kind === 'condemned') {
          attempt.write(streamKey, formatStream({ ...record, status: { kind: 'stored' } }))
        }
        return { id, record }
      }
    }
    attempt.expect(key, row)
    return undefined
  }

  /** Adds to `attempt` that this stream is stored, with the entries that are not appended yet. */
  async endAsStored(
    attempt: Attempt,
    entries: readonly BlockEntry[],
    size: number,
    digest: Uint8Array,
  ): Promise<KnownStream> {
    const { keys, leaseMs } = this.#context
    await this.#deleteAbandoned()
    const record: StreamRecord = {
      ...this.#record,
      status: { kind: 'stored' },
      leaseUntil: Date.now() + leaseMs,
      size,
      blockCount: this.#record.blockCount + entries.length,
      digest,
    }
    this.#end(attempt, record)
    attempt.write(keys.digest(digest), formatStreamId(this.#id))
    for (const { key, value } of this.#pagesWith(entries).pages) attempt.write(key, value)
    for (const object of this.#intents.values()) attempt.write(keys.intent(object), undefined)
    return { id: this.#id, record }
  }

  /** Adds to `attempt` that this stream is given up, because `survivor` has the same bytes. */
  endAsDuplicate(attempt: Attempt, survivor: Uint8Array): void {
    this.#end(attempt, { ...this.#record, status: { kind: 'deleting', reason: 'duplicate', survivor } })
  }

  #end(attempt: Attempt, record: StreamRecord): void {
    const key = this.#context.keys.stream(this.#id)
    attempt.expect(key, { value: formatStream(this.#record), version: this.#version! })
    attempt.write(key, formatStream(record))
  }

  /**
   * Makes the last commit, and tells which stream survived; undefined if something that it depends on has changed.
   * When the answer to the commit is lost, the own row tells what happened; when that is gone too, the reference does.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if neither does.
   */
  async commitLast(
    { checks, mutations }: { checks: readonly Check[]; mutations: readonly Mutation[] },
    survivor: Uint8Array,
    referenceKey: Uint8Array | undefined,
  ): Promise<Uint8Array | undefined> {
    const { metadata } = this.#context.backend
    let failure: unknown
    for (let tries = 1; tries <= TRIES; tries++) {
      let answer: boolean | undefined
      try {
        answer = await metadata.commit(checks, mutations)
      } catch (error) {
        if (!maybeApplied(error) && !isRetryable(error) && this.#tried.length === 0) throw error
        if (maybeApplied(error)) this.#tried.push({ survivor, referenceKey })
        failure = error
      }
      if (answer) return survivor
      const row = await this.#readOwn(this.#tried.length > 0)
      const ended = await this.#survivorOf(row, failure)
      if (ended) return ended
      if (row!.version !== this.#version) throw this.#lost(failure)
      // Every attempt depends on the version of the own row and changes it: at most one of them can ever be applied.
      if (answer === false) return undefined
      await backOff(tries)
    }
    const ended = await this.#markDeleting(failure)
    if (ended) return ended
    throw new BackendError('the last commit failed, and is now ruled out', { retryable: true, cause: failure })
  }

  /** The stream that survived by the last commit, as the own row tells; undefined if there was none yet. */
  async #survivorOf(row: VersionedValue | undefined, failure: unknown): Promise<Uint8Array | undefined> {
    if (!row) {
      for (const { survivor, referenceKey } of this.#tried) {
        if (referenceKey && (await this.#context.backend.metadata.get(referenceKey))) return survivor
      }
      if (this.#tried.length === 0) throw this.#lost(failure)
      throw new BackendError('nothing tells whether the last commit was applied', {
        retryable: false,
        outcome: 'unknown',
        cause: failure,
      })
    }
    const { status } = parseStream(row.value)
    if (isUsable(status)) return this.#id
    if (status.kind === 'deleting' && status.reason === 'duplicate') return status.survivor
    return undefined
  }

  /** Removes all that was written of a stream that is not to be stored, or is one already. */
  async discard(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
    if (!this.#mayExist) return
    const ended = await this.#markDeleting(undefined)
    if (!ended || !equalBytes(ended, this.#id)) await this.#remove()
  }

  /** Makes sure that nobody goes on with the stream, or tells which one survived by the last commit after all. */
  async #markDeleting(failure: unknown): Promise<Uint8Array | undefined> {
    const { keys } = this.#context
    for (let tries = 1; ; tries++) {
      const row = await this.#readOwn(this.#tried.length > 0)
      if (!row && this.#tried.length === 0) return undefined
      const ended = await this.#survivorOf(row, failure)
      if (ended) return ended
      const record = parseStream(row!.value)
      if (record.status.kind === 'deleting') return undefined
      const key = keys.stream(this.#id)
      const value = formatStream({ ...record, status: { kind: 'deleting', reason: 'aborted' } })
      try {
        if (await this.#context.backend.metadata.commit([{ key, version: row!.version }], [{ key, value }])) {
          return undefined
        }
      } catch (error) {
        if (tries >= TRIES) throw error
      }
      if (tries >= TRIES) throw this.#lost(failure)
      await backOff(tries)
    }
  }

  /** Deletes the objects, then the rows, of a stream that is marked as deleting, or gone. */
  async #remove(): Promise<void> {
    const row = await this.#readOwn()
    const record = row && parseStream(row.value)
    if (record && record.status.kind !== 'deleting') return
    const intents = [...this.#intents.values()]
    if (record && equalBytes(record.epoch, this.#record.epoch)) {
      await removeStream(this.#context, this.#id, record, row.version, intents)
    } else {
      // Collection was here first; what was put since has nobody else who knows of it.
      await removeObjects(this.#context, intents)
    }
  }

  async #deleteAbandoned(): Promise<Uint8Array[]> {
    const abandoned = this.#abandoned
    this.#abandoned = []
    await deleteObjects(this.#context, abandoned)
    return abandoned
  }

  /** Commits a change of the own row, once: only that row's version is a condition, so the same commit can be repeated. */
  async #commitOwn(record: StreamRecord, mutations: readonly Mutation[]): Promise<void> {
    const key = this.#context.keys.stream(this.#id)
    const value = formatStream(record)
    const checks = [{ key, version: this.#version }]
    const all = [{ key, value }, ...mutations]
    for (let tries = 1; ; tries++) {
      let failure: unknown
      try {
        await this.#context.backend.metadata.commit(checks, all)
      } catch (error) {
        if (!maybeApplied(error) && !isRetryable(error)) throw error
        failure = error
      }
      const row = await this.#readOwn()
      if (row && row.version !== this.#version && equalBytes(row.value, value)) {
        this.#version = row.version
        this.#record = record
        return
      }
      if (row?.version !== this.#version || failure === undefined) throw this.#lost(failure)
      if (tries === TRIES) throw failure
      await backOff(tries, this.#signal)
    }
  }

  /** Reads the own row; with `decisive`, nothing but the row can tell what happened, so failures are borne for a while. */
  async #readOwn(decisive = false): Promise<VersionedValue | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#context.backend.metadata.get(this.#context.keys.stream(this.#id))
      } catch (error) {
        if (!isRetryable(error) && !decisive) throw error
        if (tries < TRIES) await backOff(tries)
        else if (!decisive) throw error
        else {
          throw new BackendError('nothing tells whether the last commit was applied', {
            retryable: false,
            outcome: 'unknown',
            cause: error,
          })
        }
      }
    }
  }

  /** Pages to write so that they have these entries too, and the entries of the last of them. */
  #pagesWith(entries: readonly BlockEntry[]): { pages: Mutation[]; rest: readonly BlockEntry[] } {
    const { keys, blockSize } = this.#context
    const pages: Mutation[] = []
    let index = Math.floor(this.#record.blockCount / PAGE_ENTRIES)
    let all = [...this.#page, ...entries]
    while (all.length > 0) {
      const byteOffset = index * PAGE_ENTRIES * blockSize
      const value = formatPage({ byteOffset, entries: all.slice(0, PAGE_ENTRIES) })
      pages.push({ key: keys.page(this.#id, index++), value })
      if (all.length < PAGE_ENTRIES) break
      all = all.slice(PAGE_ENTRIES)
    }
    return { pages: entries.length > 0 ? pages : [], rest: all }
  }

  #newObjects(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => {
      const object = randomId()
      // Objects of one stream have a beginning in common, so that an engine may keep them together: a directory backend
      // then syncs one directory for a whole group.
      object[0] = this.#id[0]!
      return object
    })
  }

  #intentsOf(objects: readonly Uint8Array[]): Mutation[] {
    return objects.map((object) => {
      this.#intents.set(toHex(object), object)
      return { key: this.#context.keys.intent(object), value: formatStreamId(this.#id) }
    })
  }

  #lost(cause?: unknown): BackendError {
    return new BackendError(
      `the upload ${toHex(this.#id)} was taken away while it was being stored: its lease was over`,
      {
        retryable: true,
        cause,
      },
    )
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(
      () => this.#pending.delete(settled),
      () => this.#pending.delete(settled),
    )
    this.#pending.add(settled)
    return work
  }
}
