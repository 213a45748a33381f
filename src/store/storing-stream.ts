import { toHex } from '../bytes/byte-text.ts'
import type { Attempt } from './attempt.ts'
import type { Check, Mutation } from './backend.ts'
import {
  type BlockEntry,
  CODEC_NONE,
  formatPage,
  formatStream,
  formatStreamId,
  isUsable,
  PAGE_ENTRIES,
  parseStream,
  type StreamRecord,
} from './format.ts'
import { LastCommit } from './last-commit.ts'
import { OwnRow } from './own-row.ts'
import { deleteObjects, removeObjects, removeStream } from './remove-stream.ts'
import { isTransient, maybeApplied, waitToRetry } from './retry.ts'
import { parseDigestRow, parseStreamRow, randomId, type StoreContext } from './store-context.ts'

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
  readonly #own: OwnRow
  readonly #last: LastCommit
  /** Objects that have an intent, put or not. */
  readonly #intents = new Map<string, Uint8Array>()
  /** Objects whose put failed, perhaps after it was applied. */
  #abandoned: Uint8Array[] = []
  /** Entries of the page that is not full yet. */
  #page: readonly BlockEntry[] = []
  #reserved: Uint8Array[] = []
  readonly #pending = new Set<Promise<unknown>>()

  /** `signal` gives up what is being put or waited for; commits that have begun are waited for. */
  constructor(context: StoreContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
    this.#own = new OwnRow(context, signal)
    this.#last = new LastCommit(context, this.#own)
  }

  /** Id of the stream, final once it is created. */
  get id(): Uint8Array {
    return this.#own.id
  }

  /** Whether its row exists. */
  get created(): boolean {
    return this.#own.version !== undefined
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
    let objects: Uint8Array[] = []
    await this.#own.create((id) => {
      this.#intents.clear()
      objects = this.#newObjects(id, count)
      return this.#intentsOf(objects)
    })
    return objects
  }

  /** Commits intents for `count` more objects. */
  intend(count: number): Promise<Uint8Array[]> {
    return this.#track(this.#intend(count))
  }

  async #intend(count: number): Promise<Uint8Array[]> {
    const { backend, host } = this.#context
    for (let tries = 1; ; tries++) {
      const objects = this.#newObjects(this.id, count)
      try {
        await backend.metadata.commit([], this.#intentsOf(objects))
        return objects
      } catch (error) {
        if (tries === host.budget.tries || !(maybeApplied(error) || isTransient(error))) throw error
      }
      await waitToRetry(host, tries, this.#signal)
    }
  }

  /** Puts a block, under another name each time it is tried, and tells where it is. */
  put(object: Uint8Array, bytes: Uint8Array, checksum: Uint8Array): Promise<BlockEntry> {
    return this.#track(this.#put(object, bytes, checksum))
  }

  async #put(first: Uint8Array, bytes: Uint8Array, checksum: Uint8Array): Promise<BlockEntry> {
    const { backend, keys, host } = this.#context
    let object = first
    for (let tries = 1; ; tries++) {
      this.#signal.throwIfAborted()
      try {
        await backend.blocks.put(keys.object(object), bytes, { signal: this.#signal })
        const { byteLength } = bytes
        return { object, rawLength: byteLength, storedLength: byteLength, codec: CODEC_NONE, checksum }
      } catch (error) {
        if (this.#signal.aborted || tries === host.budget.tries || !isTransient(error)) throw error
      }
      await waitToRetry(host, tries, this.#signal)
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
    const next = this.#newObjects(this.id, count)
    const { size, blockCount } = this.#own.record
    const record: StreamRecord = {
      ...this.#own.leased(),
      size: size + entries.reduce((sum, entry) => sum + entry.rawLength, 0),
      blockCount: blockCount + entries.length,
    }
    await this.#own.change(record, [
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
    const id = row && unlessDamaged(() => parseDigestRow(digest, row.value))
    if (id) {
      const streamKey = keys.stream(id)
      const streamRow = await backend.metadata.get(streamKey, options)
      const record = streamRow && unlessDamaged(() => parseStreamRow(id, streamRow.value))
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
    const { keys } = this.#context
    await this.#deleteAbandoned()
    const record: StreamRecord = {
      ...this.#own.leased(),
      status: { kind: 'stored' },
      size,
      blockCount: this.#own.record.blockCount + entries.length,
      digest,
    }
    this.#end(attempt, record)
    attempt.write(keys.digest(digest), formatStreamId(this.id))
    for (const { key, value } of this.#pagesWith(entries).pages) attempt.write(key, value)
    for (const object of this.#intents.values()) attempt.write(keys.intent(object), undefined)
    return { id: this.id, record }
  }

  /** Adds to `attempt` that this stream is given up, because `survivor` has the same bytes. */
  endAsDuplicate(attempt: Attempt, survivor: Uint8Array): void {
    this.#end(attempt, { ...this.#own.record, status: { kind: 'deleting', reason: 'duplicate', survivor } })
  }

  #end(attempt: Attempt, record: StreamRecord): void {
    const { key, version } = this.#own
    attempt.expect(key, { value: formatStream(this.#own.record), version: version! })
    attempt.write(key, formatStream(record))
  }

  /** Makes the last commit, as {@linkcode LastCommit.commit} does. */
  commitLast(
    changes: { checks: readonly Check[]; mutations: readonly Mutation[] },
    survivor: Uint8Array,
    referenceKey: Uint8Array | undefined,
  ): Promise<Uint8Array | undefined> {
    return this.#last.commit({ ...changes, survivor, referenceKey })
  }

  /** Removes all that was written of a stream that is not to be stored, or is one already. */
  async discard(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
    if (!this.#own.mayExist) return
    try {
      await this.#ruleOut()
    } finally {
      // Also when nothing tells what the last commit did: if the row is gone, nothing can come to need the objects.
      await this.#remove()
    }
  }

  async #ruleOut(): Promise<void> {
    try {
      await this.#last.ruleOut(undefined)
    } catch (error) {
      // On a full disk not even a row can be changed. Objects that no page names give space back.
      if ((error as Error).name !== 'QuotaExceededError' || this.#last.mayBeApplied) throw error
      if (!(await this.#own.isAsKnown())) throw error
      await deleteObjects(this.#context, [...this.#intents.values()])
      await this.#last.ruleOut(undefined)
    }
  }

  /** Deletes the objects, then the rows, of a stream that is marked as deleting, or gone; of no other. */
  async #remove(): Promise<void> {
    const row = await this.#own.read()
    const record = row && parseStream(row.value)
    if (record && record.status.kind !== 'deleting') return
    const intents = [...this.#intents.values()]
    if (record && this.#own.isOwn(record)) {
      await removeStream(this.#context, this.id, record, row.version, intents)
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

  /** Pages to write so that they have these entries too, and the entries of the last of them. */
  #pagesWith(entries: readonly BlockEntry[]): { pages: Mutation[]; rest: readonly BlockEntry[] } {
    const { keys, blockSize } = this.#context
    const pages: Mutation[] = []
    let index = Math.floor(this.#own.record.blockCount / PAGE_ENTRIES)
    let all = [...this.#page, ...entries]
    while (all.length > 0) {
      const byteOffset = index * PAGE_ENTRIES * blockSize
      const value = formatPage({ byteOffset, entries: all.slice(0, PAGE_ENTRIES) })
      pages.push({ key: keys.page(this.id, index++), value })
      if (all.length < PAGE_ENTRIES) break
      all = all.slice(PAGE_ENTRIES)
    }
    return { pages: entries.length > 0 ? pages : [], rest: all }
  }

  #intentsOf(objects: readonly Uint8Array[]): Mutation[] {
    return objects.map((object) => {
      this.#intents.set(toHex(object), object)
      return { key: this.#context.keys.intent(object), value: formatStreamId(this.id) }
    })
  }

  /** Ids of objects. Those of one stream begin alike, so that an engine may keep, and sync, them together. */
  #newObjects(stream: Uint8Array, count: number): Uint8Array[] {
    return Array.from({ length: count }, () => {
      const object = randomId(this.#context)
      object[0] = stream[0]!
      return object
    })
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

/** What cannot be read is not there: the content is stored anew, and its digest leads to the new stream. */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if ((error as Error).name === 'IntegrityError') return undefined
    throw error
  }
}
