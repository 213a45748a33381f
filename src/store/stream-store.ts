import { describeValue } from '../bytes/describe-value.ts'
import { checkInteger } from '../bytes/check-integer.ts'
import { ConflictError } from '../errors.ts'
import { StoreTransaction } from './transactions/store-transaction.ts'
import type { Backend, BackendCallOptions } from './backend.ts'
import type { BlockSink, BlockSinkOptions } from './writing/block-sink.ts'
import { collectGarbage, type CollectGarbageOptions } from './collecting/collect-garbage.ts'
import type { GarbageReport } from './collecting/collection.ts'
import { type CollectorOptions, startCollector } from './collecting/start-collector.ts'
import { assertDigest, createDigest } from './checksums.ts'
import { type CodecName, CODECS } from './codecs/block-codecs.ts'
import { FEATURES, isUsable, MAX_BLOCK_BYTES } from './rows/row-values.ts'
import { toHex } from '../bytes/byte-text.ts'
import { type StoreHost, systemHost } from './host.ts'
import { scrub, type ScrubOptions } from './scrubbing/scrub.ts'
import type { ScrubReport } from './scrubbing/scrub-report.ts'
import { waitToRetry } from './retry.ts'
import { setNoticesOf } from './notices.ts'
import { setReferencesOf } from './reading/referenced-streams.ts'
import { getRows } from './rows/get-rows.ts'
import { RowKeys } from './rows/row-keys.ts'
import { unlessDamaged } from './rows/unless-damaged.ts'
import { setAliasRowsOf } from './transactions/alias-rows.ts'
import { readonlySpace } from './transactions/row-space.ts'
import { setUserRowsOf } from './transactions/user-rows.ts'
import { joinedContext, noSuchStream, parseDigestRow, parseId, readStream, type StoreContext } from './store-context.ts'
import { ReadAheadBudget } from './reading/read-ahead-budget.ts'
import { StreamCache } from './reading/stream-cache.ts'
import { storedStream, type StoredStream } from './reading/stored-stream.ts'
import type { Transaction, TransactionOptions } from './transactions/transaction.ts'
import { VersionRow } from './version-row.ts'
import { StreamIds } from './writing/stream-ids.ts'
import { checkTemperature, uploadSink } from './writing/upload-sink.ts'
import { checkWriteBackoff, type WriteBackoff } from './writing/write-backoff.ts'

/** Options of {@linkcode StreamStore}. */
export interface StreamStoreOptions {
  /**
   * Name of the store: up to 64 letters, digits and `-`. The keys of its rows and the names of its objects begin with
   * it, so several stores can share a backend.
   * @default ''
   */
  name?: string | undefined
  /**
   * Bytes in a block, 1 to 67,108,864. A stream keeps the block size that it was stored with.
   * @default 1_000_000
   */
  blockSize?: number | undefined
  /**
   * How blocks are compressed: `'lz4'` is fast; `'deflate'` is slow, and saves more. A block that would not become at
   * least a sixteenth shorter is stored as it is. Each block is read with the codec that it was stored with, so this may
   * differ each time that a store is opened. Versions of this package before 0.2.0 refuse a store that was opened for
   * writing with a codec.
   * @default 'none'
   */
  codec?: CodecName | undefined
  /**
   * How often the streams are read that are stored from now on: a hint for the backend, such as `tiered`, which puts
   * cold blocks elsewhere. A sink may say otherwise.
   * @default undefined, which means hot
   */
  temperature?: 'hot' | 'cold' | undefined
  /**
   * Pauses that leave the engine to others while a large stream is stored.
   * @default no pauses
   */
  writeBackoff?: WriteBackoff | undefined
  /**
   * Bytes that one reader fetches at a time, in whole blocks, at least one (AtlasDB's inMemoryThreshold). A stream that
   * is opened in a transaction fetches as many before the transaction commits.
   * @default 4_194_304
   */
  inMemoryThreshold?: number | undefined
  /**
   * Bytes that all readers of the store together keep in memory: blocks that are fetched ahead, and the last chunk of
   * each reader. While nothing is left, a reader gets chunks of at most 32 KiB, and the store reads the block again if
   * the reader does not go on at once.
   * @default 67_108_864
   */
  readAheadBytes?: number | undefined
  /**
   * Bytes of streams that the store keeps whole in memory, to read them again without asking the backend: those that were
   * read last, and have at most `inMemoryThreshold` bytes.
   * @default 0, which means none
   */
  cacheBytes?: number | undefined
  /**
   * Milliseconds for which a collection spares an upload after its last block, and a stream that was stored without a
   * reference. Time never decides whether a collection is safe, only when it is tried.
   * @default 3_600_000
   */
  leaseMs?: number | undefined
  /**
   * Clock, random numbers, timers and parallelism, for tests that control them.
   * @default systemHost
   */
  host?: StoreHost | undefined
}

/** References have the longest keys and the largest values; a page has at most 34 KB. */
const MIN_KEY_BYTES = 1200
const MIN_VALUE_BYTES = 40_000

/**
 * Stores streams of bytes in blocks. It stores the same bytes once, and keeps them while something refers to them. It
 * is modelled on AtlasDB's stream store.
 *
 * @example
 * ```ts
 * import { memoryBackend } from 'combstream/backends/memory'
 * import { StreamStore } from 'combstream/store'
 *
 * const store = new StreamStore(memoryBackend())
 * const reference = new TextEncoder().encode('the honey page')
 *
 * const sink = store.sink({ reference })
 * await new Blob(['honey']).stream().pipeTo(sink)
 * const { id } = await sink.stored
 *
 * const stored = await store.open(id)
 * console.assert((await new Response(stored.slice(1, 3).stream()).text()) === 'on')
 *
 * await store.transaction((tx) => tx.unmarkAsUsed(id, reference))
 * await store.close()
 * ```
 */
export class StreamStore {
  readonly #context: StoreContext
  readonly #work = new Set<Promise<unknown>>()
  #writeBackoff: WriteBackoff | undefined
  #closed: Promise<void> | undefined
  readonly #closing = new AbortController()

  /**
   * Creates a store in a backend. Closing the store closes the backend. Nothing is read or written before the first
   * call.
   *
   * @throws {TypeError} if `name` has other characters, or an option is of the wrong type.
   * @throws {RangeError} if an option is out of range, or the backend's limits are too small for a store.
   */
  constructor(backend: Backend, options: StreamStoreOptions = {}) {
    const {
      name = '',
      blockSize = 1_000_000,
      inMemoryThreshold = 4_194_304,
      readAheadBytes = 67_108_864,
      cacheBytes = 0,
      leaseMs = 3_600_000,
      codec = 'none',
      temperature,
      writeBackoff,
      host = systemHost,
    } = options
    if (typeof name !== 'string' || !/^[A-Za-z0-9-]{0,64}$/.test(name)) {
      throw new TypeError(`name must be up to 64 letters, digits and "-", got ${describeValue(name)}`)
    }
    if (typeof backend?.metadata?.commit !== 'function' || typeof backend.blocks?.put !== 'function') {
      throw new TypeError(`backend must have metadata and blocks, got ${describeValue(backend)}`)
    }
    if (typeof host?.sleep !== 'function') throw new TypeError(`host must be a StoreHost, got ${describeValue(host)}`)
    const { keyBytes = MIN_KEY_BYTES, valueBytes = MIN_VALUE_BYTES } = backend.limits ?? {}
    if (keyBytes < MIN_KEY_BYTES || valueBytes < MIN_VALUE_BYTES) {
      throw new RangeError(`the backend must accept keys of ${MIN_KEY_BYTES} and values of ${MIN_VALUE_BYTES} bytes`)
    }
    checkInteger('blockSize', blockSize, 1, Math.min(MAX_BLOCK_BYTES, backend.limits?.blockBytes ?? Infinity))
    checkInteger('inMemoryThreshold', inMemoryThreshold, 0, Number.MAX_SAFE_INTEGER)
    checkInteger('readAheadBytes', readAheadBytes, 0, Number.MAX_SAFE_INTEGER)
    checkInteger('cacheBytes', cacheBytes, 0, Number.MAX_SAFE_INTEGER)
    checkInteger('leaseMs', leaseMs, 0, Number.MAX_SAFE_INTEGER)
    if (!Object.hasOwn(CODECS, codec)) {
      throw new TypeError(`codec must be one of ${Object.keys(CODECS).join(', ')}, got ${describeValue(codec)}`)
    }
    checkTemperature(temperature)
    this.#writeBackoff = checkWriteBackoff(writeBackoff)
    const keys = new RowKeys(name)
    this.#context = {
      backend,
      keys,
      blockSize,
      inMemoryThreshold,
      readAhead: new ReadAheadBudget(readAheadBytes),
      cache: new StreamCache({
        limit: cacheBytes,
        largest: inMemoryThreshold,
        createHash: () => createDigest(backend),
      }),
      leaseMs,
      codec: CODECS[codec],
      temperature,
      writeBackoff: () => this.#writeBackoff,
      host,
      streamIds: new StreamIds(host, backend.prefersNeighbours === true),
      versionRow: new VersionRow({ backend, keys, host }),
      ready: (call) => this.#ensureVersion(undefined, call),
      readyToWrite: (call) => this.#ensureVersion(codec === 'none' ? 0 : FEATURES.compression, call),
      track: (work) => this.#track(work),
    }
    setAliasRowsOf(
      this,
      readonlySpace(this.#context, (key) => keys.alias(key)),
    )
    setUserRowsOf(
      this,
      readonlySpace(this.#context, (key) => keys.user(key)),
    )
    setNoticesOf(this, backend, name, this.#closing.signal)
    setReferencesOf(this, this.#context)
  }

  /**
   * Pauses that leave the engine to others while a large stream is stored. A change applies to sinks that are open, too.
   *
   * @throws {TypeError} if it is set to something of the wrong type.
   * @throws {RangeError} if a number is out of range.
   */
  get writeBackoff(): WriteBackoff | undefined {
    return this.#writeBackoff
  }

  set writeBackoff(backoff: WriteBackoff | undefined) {
    this.#writeBackoff = checkWriteBackoff(backoff)
  }

  /**
   * Creates a sink. Closing it stores the bytes that were written to it. If the store has them already, it makes sure
   * that their blocks are still there, and otherwise replaces them. The sink holds at most eight blocks in memory.
   *
   * Its writes and its close fail with `QuotaExceededError` if no space is left, with `IntegrityError` if `digest` is
   * given and the bytes have a different one, with `BackendError` (`outcome: 'unknown'` if not even reading back shows
   * whether the stream was stored), or with the error that `onCommit` throws. A sink that fails leaves nothing visible
   * behind.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of range.
   */
  sink(options: BlockSinkOptions = {}): BlockSink {
    return uploadSink(this.#context, () => this.#transaction(undefined), options)
  }

  /**
   * Opens a stored stream.
   *
   * @throws {NotFoundError} if no stored stream has this id.
   */
  async open(id: string, options: BackendCallOptions = {}): Promise<StoredStream> {
    const bytes = parseId(id)
    await this.#context.ready(options)
    const found = await readStream(this.#context, bytes, options)
    if (!found || !isUsable(found.record.status)) throw noSuchStream(id)
    return storedStream(this.#context, bytes, found.record)
  }

  /**
   * Resolves with the ids of the stored streams that have these SHA-256 digests, in the same order. An id is undefined
   * if no stream has the digest, or if the row of the digest is damaged. Storing the content again repairs the row.
   *
   * @throws {TypeError} if a digest does not have 32 bytes.
   */
  async lookup(digests: Uint8Array[], options: BackendCallOptions = {}): Promise<(string | undefined)[]> {
    for (const digest of digests) assertDigest(digest)
    await this.#context.ready(options)
    const { keys, host } = this.#context
    const ids: (string | undefined)[] = []
    const { parallelLookups } = host.budget
    for (let i = 0; i < digests.length; i += parallelLookups) {
      const some = digests.slice(i, i + parallelLookups)
      const wanted = some.map((digest) => keys.digest(digest))
      const rows = await getRows(this.#context, wanted, options)
      // A damaged row must not prevent the other ids from being returned.
      const found = rows.map((row, index) => row && unlessDamaged(() => parseDigestRow(some[index]!, row.value)))
      ids.push(...found.map((id) => id && toHex(id)))
    }
    return ids
  }

  /**
   * Reads and changes rows and references in one atomic step. The store remembers the version of everything that `run`
   * reads, and holds back what it writes. When `run` has finished, its writes are committed if nothing that it read has
   * changed. Otherwise `run` is called again after a random delay, so it should not have other side effects.
   *
   * With `join`, all of this is part of a transaction that you have open in the engine.
   *
   * @throws {RangeError} if the transaction depends on more than 10 rows, or changes more than 100.
   * @throws {ConflictError} if the transaction lost to others 100 times.
   * @throws {BackendError} with `outcome: 'unknown'` if the engine failed and may have applied the commit.
   */
  async transaction<T>(run: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const { signal, join } = options
    const context = join === undefined ? this.#context : joinedContext(this.#context, join, () => this.#assertOpen())
    await context.ready({ signal })
    const { host } = this.#context
    for (let number = 0; number < host.budget.conflicts; number++) {
      await waitToRetry(host, number, signal)
      const tx = this.#transaction(signal, context)
      let result: T
      try {
        result = await run(tx)
      } catch (error) {
        const again =
          (error as Error | undefined)?.name !== 'BackendError' && !signal?.aborted && (await tx.rows.isOutdated())
        tx.end(error)
        // It may have failed because it read some rows before a change and others after it.
        if (again) continue
        throw error
      }
      if (await tx.commit()) return result
      tx.end(new ConflictError('the transaction runs again, because what it read has changed'))
    }
    throw new ConflictError(`the transaction lost to others ${host.budget.conflicts} times`)
  }

  /**
   * Removes streams that nothing refers to and whose lease has ended, and what crashes left behind. It reads only
   * candidates, not the whole store. Any number of writers, readers and other collectors may run at the same time, also
   * in other processes. A collection may be interrupted at any point; the next one continues it.
   *
   * Current readers of a collected stream can finish: its blocks are kept for `graceMs`, and a later collection deletes
   * them. The first collection therefore frees the rows, and the first one after the grace period frees the bytes.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of range.
   * @throws {BackendError} if the engine keeps failing.
   */
  collectGarbage(options: CollectGarbageOptions = {}): Promise<GarbageReport> {
    return collectGarbage(this.#context, options)
  }

  /**
   * Collects garbage in the background, now and at an interval, until `signal` aborts or the store is closed. Until
   * then, its timer keeps a process such as Node's running.
   *
   * @throws {TypeError} if an option is of the wrong type, or the store is closed.
   * @throws {RangeError} if an option is out of range.
   */
  startCollector(options: CollectorOptions): void {
    this.#assertOpen()
    startCollector(this.#context, options, this.#closing.signal)
  }

  /**
   * Reads every block and compares it with its checksum, and every stream with its digest, and finds objects that no
   * row names. Nothing is changed without `repair`. It takes as long as reading all bytes of the store.
   *
   * Damage does not make it fail: the report lists it. Any number of writers, readers, collectors and other scrubs may
   * run at the same time, also in other processes. A scrub may be interrupted at any point.
   *
   * @throws {TypeError} if an option is of the wrong type.
   * @throws {RangeError} if an option is out of range.
   * @throws {RepairRefusedError} if a repair would move more than 100 objects and more than 5 % of all objects to the
   * trash, and `force` is not set. Nothing was changed.
   * @throws {BackendError} if the engine keeps failing.
   */
  scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    return scrub(this.#context, options)
  }

  /**
   * Ends collectors, waits until failed sinks have removed what they wrote, and closes the backend. It may be called
   * twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(new TypeError('the store is closed'))
    while (this.#work.size > 0) await Promise.all(this.#work)
    this.#context.readAhead.dropAll()
    this.#context.cache.clear()
    await this.#context.backend.close()
  }

  #transaction(signal: AbortSignal | undefined, context: StoreContext = this.#context): StoreTransaction {
    return new StoreTransaction(this.#context, (options) => this.sink(options), signal, context)
  }

  async #ensureVersion(needed: number | undefined, options: BackendCallOptions | undefined): Promise<void> {
    this.#assertOpen()
    await this.#context.versionRow.ensure(needed, options)
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError('the store is closed')
  }

  #track(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work.then(
      () => this.#work.delete(settled),
      () => this.#work.delete(settled),
    )
    this.#work.add(settled)
  }
}
