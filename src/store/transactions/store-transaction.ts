import { copyBytes, equalBytes } from '../../bytes/byte-order.ts'
import type { ByteSource } from '../../bytes/byte-source.ts'
import { toHex } from '../../bytes/byte-text.ts'
import type { Check } from '../backend.ts'
import type { BlockSink, BlockSinkOptions } from '../writing/block-sink.ts'
import { assertDigest } from '../checksums.ts'
import { isUsable, type StreamRecord } from '../rows/row-values.ts'
import { findByDigest } from '../reading/find-by-digest.ts'
import { looksWhole } from '../reading/looks-whole.ts'
import { AliasTransaction, type StreamFacts } from './alias-rows.ts'
import { addReference, referenceKey, removeReference } from './references.ts'
import { RowBuffer } from './row-buffer.ts'
import { maybeApplied } from '../retry.ts'
import { assertSpaceKey, assertSpaceValue, type KeyOf, listSpace } from './row-space.ts'
import { noSuchStream, parseId, parseStreamRow, type StoreContext } from '../store-context.ts'
import { preloadedStream, storedStream, type StoredStream } from '../reading/stored-stream.ts'
import type { ListSpaceOptions, ReferenceOptions, RowSpace, SpaceRow, Transaction } from './transaction.ts'

/** How often a content is stored anew because it was collected before it could be marked. */
const STORE_ATTEMPTS = 5

/** Makes a sink of the store that a transaction belongs to. */
export type MakeSink = (options: BlockSinkOptions) => BlockSink

/** What a user, or a hive, sees of the rows of one attempt at a commit. */
export class StoreTransaction extends AliasTransaction implements Transaction {
  /** The rows themselves. */
  readonly rows: RowBuffer
  readonly #context: StoreContext
  /** For what outlives the transaction, and is not part of it: streams, and what stores them. */
  readonly #outside: StoreContext
  readonly #makeSink: MakeSink
  readonly #signal: AbortSignal | undefined
  /** Ends the streams that were opened, when the attempt is repeated; undefined while there are none. */
  #abort: AbortController | undefined
  #ended: { readonly reason: unknown } | undefined
  /** Keys of the rows of streams that were marked: what a fence rewrites. */
  readonly #marked = new Map<string, Uint8Array>()

  #userRows: RowSpace | undefined

  /**
   * An attempt at a transaction of the store `outside`.
   *
   * @param context The same, or a context whose rows are those of a transaction that the caller has open.
   */
  constructor(
    outside: StoreContext,
    makeSink: MakeSink,
    signal: AbortSignal | undefined,
    context: StoreContext = outside,
  ) {
    super(() => this.#space((key) => context.keys.alias(key)))
    this.#context = context
    this.#outside = outside
    this.#makeSink = makeSink
    this.#signal = signal
    this.rows = new RowBuffer(context, signal)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#user.get(key)
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#user.set(key, value)
  }

  delete(key: Uint8Array): void {
    this.#user.delete(key)
  }

  list(options: ListSpaceOptions): Promise<SpaceRow[]> {
    return this.#user.list(options)
  }

  async open(id: string): Promise<StoredStream> {
    const { bytes, record } = await this.#readStream(id)
    return preloadedStream(this.#outside, bytes, record, this.#ending, this.#signal)
  }

  async markAsUsed(id: string, reference: Uint8Array, options: ReferenceOptions = {}): Promise<void> {
    const stream = parseId(id)
    await addReference(this.#context, this.rows, stream, reference, options)
    this.#marked.set(id, this.#context.keys.stream(stream))
  }

  unmarkAsUsed(id: string, reference: Uint8Array, options: Pick<ReferenceOptions, 'owner'> = {}): Promise<void> {
    return removeReference(this.#context, this.rows, id, reference, options)
  }

  async readReference(id: string, reference: Uint8Array, options: Pick<ReferenceOptions, 'owner'>): Promise<void> {
    const { key } = await referenceKey(this.#context, parseId(id), reference, options)
    await this.rows.read(key)
  }

  async describeStream(id: string): Promise<StreamFacts> {
    const { record } = await this.#readStream(id)
    return { id, digest: record.digest!, size: record.size }
  }

  async getByDigestOrStore(
    digest: Uint8Array,
    source: ByteSource | (() => ByteSource | ReadableStream<Uint8Array>),
    reference: Uint8Array,
    options: ReferenceOptions = {},
  ): Promise<StoredStream> {
    assertDigest(digest)
    let id = await this.#findWhole(digest)
    for (let attempt = 1; ; attempt++) {
      id ??= await this.#store(digest, source)
      try {
        await this.markAsUsed(id, reference, options)
        const { bytes, record } = await this.#readStream(id)
        return storedStream(this.#outside, bytes, record, this.#ending)
      } catch (error) {
        // What was read of it is forgotten, so as not to fail the commit.
        this.rows.forget(this.#context.keys.stream(parseId(id)))
        const { name } = error as Error
        if ((name !== 'NotFoundError' && name !== 'IntegrityError') || attempt === STORE_ATTEMPTS) throw error
        // It was collected before it could be marked, or its row is lost or damaged. Storing it again repairs either.
        id = undefined
      }
    }
  }

  /** Commits; false if something that was read has changed. */
  async commit(): Promise<boolean> {
    const { checks, mutations } = await this.rows.takeChanges()
    // A single read holds at its own moment; several must hold at the same moment, and until the caller's transaction ends.
    if (mutations.length === 0 && checks.length < (this.#isJoined ? 1 : 2)) return true
    if (mutations.length > 0) await this.#context.readyToWrite({ signal: this.#signal })
    try {
      return (await this.#context.backend.metadata.commit(checks, mutations, { signal: this.#signal })) !== false
    } catch (error) {
      // What is part of the caller's transaction ends with that.
      if (maybeApplied(error) && !this.#isJoined) {
        const fence = this.#fence(checks)
        if (this.#signal?.aborted) this.#context.track(fence)
        else await fence
      }
      throw error
    }
  }

  /** Ends it, and with `reason` the streams that were opened in it. */
  end(reason: unknown): void {
    this.rows.close()
    this.#ended = { reason }
    this.#abort?.abort(reason)
  }

  /** Whether this is a part of a transaction that the caller has open. */
  get #isJoined(): boolean {
    return this.#context !== this.#outside
  }

  /** Aborts when the attempt is repeated. */
  get #ending(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#ended) this.#abort.abort(this.#ended.reason)
    }
    return this.#abort.signal
  }

  get #user(): RowSpace {
    this.#userRows ??= this.#space((key) => this.#context.keys.user(key))
    return this.#userRows
  }

  /**
   * After a commit of unknown outcome: rewrites the rows of the marked streams, which the commit checks, so that it
   * cannot be applied later, when its caller has long moved on. If this fails too, the outcome stays unknown, which the
   * caller is told in any case.
   */
  async #fence(checks: readonly Check[]): Promise<void> {
    const { metadata } = this.#context.backend
    for (const key of this.#marked.values()) {
      const version = checks.find((check) => equalBytes(check.key, key))?.version
      try {
        const row = await metadata.get(key)
        if (row && row.version === version) await metadata.commit([{ key, version }], [{ key, value: row.value }])
      } catch {
        return
      }
    }
  }

  async #readStream(id: string): Promise<{ bytes: Uint8Array; record: StreamRecord }> {
    const bytes = parseId(id)
    const value = await this.rows.read(this.#context.keys.stream(bytes))
    const record = value && parseStreamRow(bytes, value)
    if (!record || !isUsable(record.status)) throw noSuchStream(id)
    return { bytes, record }
  }

  /**
   * The id of a stored stream with this digest that looks whole. The commit depends on its row as it was read before its
   * objects were asked: who finds damage later changes the row.
   */
  async #findWhole(digest: Uint8Array): Promise<string | undefined> {
    const context = this.#context
    const options = { signal: this.#signal }
    const { stream } = await findByDigest(context, digest, options)
    if (!stream || !(await looksWhole(context, stream.id, stream.record, options))) return undefined
    this.rows.expect(context.keys.stream(stream.id), stream.row)
    return toHex(stream.id)
  }

  async #store(
    digest: Uint8Array,
    source: ByteSource | (() => ByteSource | ReadableStream<Uint8Array>),
  ): Promise<string> {
    const content = typeof source === 'function' ? source() : source
    const readable = 'stream' in content ? content.stream() : content
    const sink = this.#makeSink({ digest })
    try {
      await readable.pipeTo(sink, this.#signal ? { signal: this.#signal } : {})
    } catch (error) {
      // pipeTo rejects a locked stream without touching the sink, which would then wait for ever.
      await sink.abort(error)
    }
    return (await sink.stored).id
  }

  #space(keyOf: KeyOf): RowSpace {
    return {
      get: async (key) => {
        assertSpaceKey(key)
        return this.rows.read(keyOf(key))
      },
      set: (key, value) => {
        assertSpaceKey(key)
        assertSpaceValue(this.#context, value)
        this.rows.write(keyOf(key), copyBytes(value))
      },
      delete: (key) => {
        assertSpaceKey(key)
        this.rows.write(keyOf(key), undefined)
      },
      list: async (options) => {
        this.rows.assertOpen()
        return listSpace(this.#context, keyOf, { ...options, signal: this.#signal }, this.rows.writes)
      },
    }
  }
}
