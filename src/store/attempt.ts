import { copyBytes, equalBytes } from '../bytes/byte-order.ts'
import type { ByteSource } from '../bytes/byte-source.ts'
import { toHex } from '../bytes/byte-text.ts'
import type { Check, Mutation, VersionedValue } from './backend.ts'
import type { BlockSink, BlockSinkOptions } from './block-sink.ts'
import { assertDigest } from './checksums.ts'
import { formatCandidate, formatReference, formatStream, isUsable } from './format.ts'
import { expiryOf, referenceKey } from './references.ts'
import { maybeApplied } from './retry.ts'
import { assertSpaceKey, assertSpaceValue, type KeyOf, listSpace } from './row-space.ts'
import { noSuchStream, parseDigestRow, parseId, parseStreamRow, type StoreContext } from './store-context.ts'
import { storedStream, type StoredStream } from './stored-stream.ts'
import type { ListSpaceOptions, ReferenceOptions, RowSpace, SpaceRow, Transaction } from './transaction.ts'

/** Conditions that one commit may have: the least of what the engines take. */
const MAX_CHECKS = 10
/** Changes that one commit may make. */
const MAX_MUTATIONS = 100

/** How often a content is stored anew because it was collected before it could be marked. */
const STORE_ATTEMPTS = 5

/** Makes a sink of the store that a transaction belongs to. */
export type MakeSink = (options: BlockSinkOptions) => BlockSink

interface Read {
  readonly key: Uint8Array
  readonly row: Promise<VersionedValue | undefined>
}

/** One attempt at a transaction: reads with their versions, and writes that wait for the commit. */
export class Attempt implements Transaction {
  readonly #context: StoreContext
  readonly #makeSink: MakeSink
  readonly #signal: AbortSignal | undefined
  /** Ends the streams that were opened, when the attempt is repeated. */
  readonly #abort = new AbortController()
  readonly #reads = new Map<string, Read>()
  readonly #writes = new Map<string, Mutation>()
  /** Keys of the rows of streams that were marked: what a fence rewrites. */
  readonly #marked = new Map<string, Uint8Array>()
  #ended = false

  readonly #user: RowSpace
  readonly aliases: RowSpace

  constructor(context: StoreContext, makeSink: MakeSink, signal: AbortSignal | undefined) {
    this.#context = context
    this.#makeSink = makeSink
    this.#signal = signal
    this.#user = this.#space((key) => context.keys.user(key))
    this.aliases = this.#space((key) => context.keys.alias(key))
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
    const bytes = parseId(id)
    const value = await this.read(this.#context.keys.stream(bytes))
    const record = value && parseStreamRow(bytes, value)
    if (!record || !isUsable(record.status)) throw noSuchStream(id)
    return storedStream(this.#context, bytes, record, this.#abort.signal)
  }

  async markAsUsed(id: string, reference: Uint8Array, options: ReferenceOptions = {}): Promise<void> {
    const { keys } = this.#context
    const stream = parseId(id)
    const expiresAt = expiryOf(options)
    const key = await referenceKey(this.#context, stream, reference, options)
    const streamKey = keys.stream(stream)
    const value = await this.read(streamKey)
    const record = value && parseStreamRow(stream, value)
    if (!record || !isUsable(record.status)) throw noSuchStream(id)
    if (record.status.kind === 'condemned')
      this.write(streamKey, formatStream({ ...record, status: { kind: 'stored' } }))
    const at = this.#context.host.now()
    this.write(key.key, formatReference({ at, expiresAt, reference: key.hashed }))
    if (expiresAt !== undefined) this.write(keys.candidate(stream), formatCandidate(at))
    this.#marked.set(id, streamKey)
  }

  async unmarkAsUsed(id: string, reference: Uint8Array, options: Pick<ReferenceOptions, 'owner'> = {}): Promise<void> {
    const stream = parseId(id)
    const { key } = await referenceKey(this.#context, stream, reference, options)
    if ((await this.read(key)) === undefined) return
    this.write(key, undefined)
    this.write(this.#context.keys.candidate(stream), formatCandidate(this.#context.host.now()))
  }

  async getByDigestOrStore(
    digest: Uint8Array,
    source: ByteSource | (() => ByteSource | ReadableStream<Uint8Array>),
    reference: Uint8Array,
    options: ReferenceOptions = {},
  ): Promise<StoredStream> {
    assertDigest(digest)
    for (let attempt = 0; ; attempt++) {
      const id = (await this.#lookup(digest)) ?? (await this.#store(digest, source))
      try {
        await this.markAsUsed(id, reference, options)
        return await this.open(id)
      } catch (error) {
        // It was collected between store and mark. What was read of it is forgotten, not to fail the commit.
        this.#reads.delete(toHex(this.#context.keys.stream(parseId(id))))
        if ((error as Error).name !== 'NotFoundError' || attempt === STORE_ATTEMPTS - 1) throw error
      }
    }
  }

  /** Reads a row by its whole key, and makes its version, or its absence, a condition of the commit. */
  async read(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    const text = toHex(key)
    const written = this.#writes.get(text)
    if (written) return written.value?.slice()
    let read = this.#reads.get(text)
    if (!read) {
      read = { key, row: this.#context.backend.metadata.get(key, { signal: this.#signal }) }
      this.#reads.set(text, read)
    }
    try {
      return (await read.row)?.value.slice()
    } catch (error) {
      if (this.#reads.get(text) === read) this.#reads.delete(text)
      throw error
    }
  }

  /** Takes a row as it was read elsewhere, its absence included. */
  expect(key: Uint8Array, row: VersionedValue | undefined): void {
    this.#reads.set(toHex(key), { key, row: Promise.resolve(row) })
  }

  /** Writes a row by its whole key; undefined deletes it. */
  write(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#assertOpen()
    this.#writes.set(toHex(key), { key, value })
  }

  /** Ends the attempt, and gives what it has to commit. */
  async changes(): Promise<{ checks: Check[]; mutations: Mutation[] }> {
    this.#ended = true
    const mutations = [...this.#writes.values()]
    const checks = await this.#checks()
    if (checks.length > MAX_CHECKS) {
      throw new RangeError(`a transaction may depend on ${MAX_CHECKS} rows, this one on ${checks.length}`)
    }
    if (mutations.length > MAX_MUTATIONS) {
      throw new RangeError(`a transaction may change ${MAX_MUTATIONS} rows, this one ${mutations.length}`)
    }
    return { checks, mutations }
  }

  /** Commits; false if something that was read has changed. */
  async commit(): Promise<boolean> {
    const { checks, mutations } = await this.changes()
    // One read is true of its own moment; several have to be true of the same.
    if (mutations.length === 0 && checks.length < 2) return true
    if (mutations.length > 0) await this.#context.readyToWrite({ signal: this.#signal })
    try {
      return (await this.#context.backend.metadata.commit(checks, mutations, { signal: this.#signal })) !== false
    } catch (error) {
      if (maybeApplied(error)) {
        const fence = this.#fence(checks)
        if (this.#signal?.aborted) this.#context.track(fence)
        else await fence
      }
      throw error
    }
  }

  /** Whether rows that were read have changed since, so that an error may come from a mixture of old and new. */
  async outdated(): Promise<boolean> {
    try {
      const checks = await this.#checks()
      if (checks.length < 2 || checks.length > MAX_CHECKS) return false
      return !(await this.#context.backend.metadata.commit(checks, [], { signal: this.#signal }))
    } catch {
      // The error that there is already is the one to report.
      return false
    }
  }

  /** Ends the attempt, and with `reason` the streams that were opened in it. */
  end(reason: unknown): void {
    this.#ended = true
    this.#abort.abort(reason)
  }

  async #checks(): Promise<Check[]> {
    return Promise.all([...this.#reads.values()].map(async ({ key, row }) => ({ key, version: (await row)?.version })))
  }

  /**
   * After a commit of unknown outcome: rewrites the rows of the marked streams, which the commit checks, so that it can
   * not be applied later, when its caller has long done something else. If this fails too, the outcome stays unknown,
   * which is what the caller is told in any case.
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

  async #lookup(digest: Uint8Array): Promise<string | undefined> {
    const row = await this.#context.backend.metadata.get(this.#context.keys.digest(digest), { signal: this.#signal })
    return row && toHex(parseDigestRow(digest, row.value))
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
      // pipeTo does not begin with a stream that is locked; then the sink waits for ever.
      await sink.abort(error)
    }
    return (await sink.stored).id
  }

  #space(keyOf: KeyOf): RowSpace {
    return {
      get: async (key) => {
        assertSpaceKey(key)
        return this.read(keyOf(key))
      },
      set: (key, value) => {
        assertSpaceKey(key)
        assertSpaceValue(this.#context, value)
        this.write(keyOf(key), copyBytes(value))
      },
      delete: (key) => {
        assertSpaceKey(key)
        this.write(keyOf(key), undefined)
      },
      list: async (options) => {
        this.#assertOpen()
        return listSpace(this.#context, keyOf, { ...options, signal: this.#signal }, this.#writes.values())
      },
    }
  }

  #assertOpen(): void {
    if (this.#ended) throw new TypeError('the transaction has ended')
  }
}
