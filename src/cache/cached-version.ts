import type { ByteRange } from '../bytes/byte-range.ts'
import { onAbort } from '../bytes/on-abort.ts'
import { isTransient } from '../bytes/is-transient.ts'
import { abortable, markHandled } from '../bytes/promises.ts'
import { toHex } from '../bytes/byte-text.ts'
import { ConflictError, NotFoundError } from '../errors.ts'
import { computeManifest } from '../hive/compute-manifest.ts'
import { digestInEtag } from '../hive/entry-record.ts'
import type { EntryManifest } from '../hive/entry-manifest.ts'
import type { Consistency, Entry, EntryInfo, OpenOptions } from '../hive/hive.ts'
import { bytesOfStream } from '../hive/version-bytes.ts'
import type { VersionRangeReading, VersionReading, VersionSource } from '../hive/version-source.ts'
import { versionStream } from '../hive/version-stream.ts'
import { SignatureStream } from '../rsync/signature-stream.ts'
import type { Transaction } from '../store/transactions/transaction.ts'
import { type AskManifest, BlockNames, findNaming } from './block-names.ts'
import type { AliasKey } from './cache-keys.ts'
import type { KnownBlock, Removals } from './blob-answers.ts'
import type { VersionRecord } from './cache-records.ts'
import type { Keeping } from './block-cache.ts'
import { isCleared, usageIn } from './cache-usage.ts'
import { CachedBytes } from './cached-bytes.ts'
import { currentEtag } from './current-etag.ts'
import type { HiveCache } from './hive-cache.ts'
import { type HeldBlock, NetworkRun } from './network-run.ts'
import { readBlob } from './read-blob.ts'
import { uncachedBytes } from './uncached-bytes.ts'
import { isDescribable } from './version-rows.ts'

/** What a {@linkcode CachedVersion} is. */
export interface CachedVersionOptions {
  readonly cache: HiveCache
  readonly alias: AliasKey
  readonly info: EntryInfo
  readonly consistency: Consistency
  readonly bufferSize: number
  /** The entry of the remote hive; undefined if the network was not there. */
  readonly remote: Entry | undefined
  /** What the cache knows of the entry. */
  readonly known: VersionRecord | undefined
  /** What had been removed from the cache when the entry was opened; undefined if the store has failed. */
  readonly removals: Removals | undefined
  /** Whether `known` is of an earlier opening, and `removals` are still to be read. */
  readonly isReused?: boolean | undefined
  /** What is being read of them for the first reader. */
  readonly readingRemovals?: Promise<Removals | undefined> | undefined
  /**
   * Without a network: the etag that the cache knew as the current one when this version was opened all the same. It does
   * not count as an update.
   */
  readonly toleratedEtag?: string | undefined
  /** Opens the current version. */
  reopen(options: OpenOptions): Promise<Entry>
}

/** A version of an entry, of which the cache has blocks. */
export class CachedVersion implements VersionSource {
  readonly info: EntryInfo
  readonly digest: Uint8Array | undefined
  readonly #options: CachedVersionOptions
  #remote: Promise<Entry> | undefined
  #names: Promise<BlockNames | undefined> | undefined
  /** Why the hive could not tell the digests the last time; undefined if it could, or need not. */
  namingError: unknown
  /** What had been removed from the cache when the first reader began, or when the entry was opened. */
  #removals: Removals | undefined
  /** The same, while it is read for the first reader. */
  #readingRemovals: Promise<Removals | undefined> | undefined
  /** Whether the row of the entry names this version, as far as this knows. */
  #isNoted: boolean

  constructor(options: CachedVersionOptions) {
    this.info = options.info
    this.digest = digestInEtag(options.info.etag)
    this.#options = options
    this.#isNoted = options.known?.etag === options.info.etag && options.known.size === options.info.size
    this.#removals = options.removals
    this.#readingRemovals = options.readingRemovals
    this.#remote = options.remote && Promise.resolve(options.remote)
  }

  read(range: ByteRange, reading: VersionRangeReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { bufferSize, signals, readAhead } = reading
    const { statistics } = this.#options.cache
    let source: CachedBytes | undefined
    let seenReads = 0
    return versionStream({
      range,
      bufferSize,
      open: async (signal) => {
        const names = range.start === range.end ? undefined : await this.names(range.start, signal)
        source = names && (await this.#openBytes(range, names))
        return source ?? uncachedBytes({ range, reading, signal, statistics, open: () => this.#open(signal) })
      },
      check: async (offset, arriving) => {
        // Only when they have arrived is it known where the bytes come from; meanwhile, it is looked what is current.
        const isConflict = this.#options.consistency === 'conflict'
        const known = isConflict && source && !source.isFresh ? this.#known() : undefined
        await arriving
        // What arrives from the network is compared there. Of a chunk that is delivered in parts, all but the first are old.
        const isNew = !source || (source.isFresh && (readAhead || source.reads !== seenReads))
        seenReads = source?.reads ?? 0
        if (!isNew && isConflict) await this.#checkCurrent(offset, known ?? this.#known())
      },
      signals,
    })
  }

  async blob(range: ByteRange): Promise<Blob | undefined> {
    await this.#readRemovals()
    return this.#removals && readBlob(this.#options.cache, this.#versionKey, this.#removals, range)
  }

  signature(reading: VersionReading): ReadableStream<Uint8Array<ArrayBuffer>> {
    return versionStream({
      range: { start: 0, end: Infinity },
      bufferSize: reading.bufferSize,
      open: async (signal) => bytesOfStream(await this.#openSignature(reading, signal)),
      check: () => Promise.resolve(),
      signals: reading.signals,
    })
  }

  async manifest(range: ByteRange, reading: VersionReading): Promise<EntryManifest> {
    const giveUp = new AbortController()
    const stop = onAbort(reading.signals, (reason) => giveUp.abort(reason))
    try {
      const remote = await this.#open(giveUp.signal)
      return await remote.manifest({ ...range, signal: giveUp.signal })
    } catch (error) {
      giveUp.signal.throwIfAborted()
      if (!isTransient(error)) throw error
    } finally {
      stop()
    }
    return computeManifest(this, range, reading)
  }

  reopen(options: Pick<OpenOptions, 'bufferSize' | 'signal'>): Promise<Entry> {
    return this.#options.reopen({ ...options, consistency: this.#options.consistency })
  }

  /** The names of the blocks; undefined if nothing of the version is to be kept. */
  async names(start: number, signal?: AbortSignal): Promise<BlockNames | undefined> {
    // All readers share the answer: it does not end with the one that was first.
    this.#names ??= this.#findNames(start)
    const names = await (signal ? abortable(this.#names, signal) : this.#names)
    return names && this.#options.cache.blocks.fits(names.rangeOf(0).end) ? names : undefined
  }

  /** Reads what has been removed, unless the opening has read it. */
  async #readRemovals(): Promise<void> {
    if (!this.#options.isReused) return
    const reading = this.#readingRemovals ?? this.#options.cache.blocks.removals()
    this.#readingRemovals = undefined
    this.#removals = await reading
  }

  async #findNames(start: number): Promise<BlockNames | undefined> {
    await this.#readRemovals()
    const removals = this.#removals
    const { cache, info } = this.#options
    if (info.size === 0 || info.noStore || !isDescribable(info)) return undefined
    const partition = await cache.rows.partition
    const find = (): Promise<BlockNames> => this.#makeNames(partition, start)
    try {
      if (!removals) return await find()
      return await cache.recentNames.get(`${this.#versionKey} ${removals.clears}`, find)
    } catch (error) {
      this.namingError = error
      // The bytes may come all the same. If they do not, that is the error to report.
      this.#names = undefined
      return undefined
    }
  }

  async #makeNames(partition: Uint8Array, start: number): Promise<BlockNames> {
    const { cache, info, alias, isReused } = this.#options
    const { etag, size } = info
    const known = isReused && !this.#isNoted ? await this.#known() : this.#options.known
    const ask: AskManifest | undefined = cache.hasManifests
      ? async (range, given) => (await this.#open(given)).manifest({ ...range, signal: given })
      : undefined
    if (known?.etag === etag && known.size === size) {
      return new BlockNames(cache.store, { ...known, partition, alias }, ask)
    }
    const { manifest, ...naming } = await findNaming(info, ask, start)
    const names = new BlockNames(cache.store, { ...naming, etag, size, partition, alias }, ask)
    if (manifest) names.learn(manifest)
    return names
  }

  /** Reads through the cache; undefined if that would only fetch more than was asked for. */
  async #openBytes(range: ByteRange, names: BlockNames): Promise<CachedBytes | undefined> {
    const { cache, known, info } = this.#options
    const { partition } = names.version
    if (!cache.blocks.mayKeep(names.rangeOf(0).end)) {
      const first = Math.floor(range.start / names.version.blockLength)
      const name = await cache.blocks.attempt(() => names.known(first))
      if (!name || !(await cache.blocks.find(partition, name, names.rangeOf(first)))) return undefined
    }
    const startedMs = cache.blocks.host.now()
    const sharingKey = this.#sharingKey(names)
    return new CachedBytes({
      cache,
      partition,
      names,
      range,
      clears: this.#removals?.clears,
      hasFormer: known !== undefined && known.etag !== info.etag,
      sharing: () => cache.shared.get(sharingKey),
      startRun: (first, end) => this.startRun(names, { first, end }, startedMs),
      onHit: (index, record) => {
        this.#noteAnswer(names, index, record)
        this.#noteHit(names, index)
      },
    })
  }

  /** Sees to it that what was found under its digest is found without the network, too. */
  #noteHit(names: BlockNames, index: number): void {
    const { cache, alias } = this.#options
    if (this.#isNoted && !names.isUnwritten(index)) return
    this.#isNoted = true
    const removals = this.#removals
    if (!removals) return
    const write = async (tx: Transaction): Promise<boolean> => {
      if (await isCleared(tx, await usageIn(tx), names.version.partition, removals.clears)) return false
      return this.#note(tx, names, index)
    }
    markHandled(
      cache.blocks.inTurn(async () => {
        if (await cache.store.transaction(write)) await cache.rows.tidyPages(alias)
      }),
    )
  }

  /** Remembers where a block is that has just been checked. */
  #noteAnswer({ version: { blockLength } }: BlockNames, index: number, block: KnownBlock): void {
    const { answers } = this.#options.cache.blocks
    if (this.#removals) answers.note(this.#versionKey, { removals: this.#removals, blockLength }, index, block)
  }

  /** Adds the rows of the version to a commit. Resolves with whether it takes the place of another. */
  async #note(tx: Transaction, names: BlockNames, index: number): Promise<boolean> {
    const { cache, alias } = this.#options
    const replaces = await cache.rows.note(tx, alias, this.record(names.version))
    await names.write(tx, index)
    return replaces
  }

  /**
   * Starts to fetch blocks from the network, and keeps them. Blocks that were used at `beforeMs` or later do not make room
   * for them.
   */
  startRun(
    names: BlockNames,
    { first, end }: { first: number; end: number },
    beforeMs: number,
    onKept: (kept: Promise<Keeping>) => void = () => undefined,
  ): NetworkRun {
    const { cache } = this.#options
    const key = this.#sharingKey(names)
    const run = new NetworkRun({
      names,
      first,
      end,
      open: async (range, signal) => (await this.#open(signal)).stream({ ...range, signal }),
      room: () => cache.blocks.room(),
      onBytes: (byteLength) => {
        cache.statistics.networkBytes += byteLength
      },
      onBlock: (block) => onKept(this.#keep(names, block, beforeMs)),
      onEnd: () => cache.shared.removeRun(key, run),
    })
    cache.shared.addRun(key, run)
    return run
  }

  async #keep(names: BlockNames, block: HeldBlock, beforeMs: number): Promise<Keeping> {
    const { cache, alias } = this.#options
    const { partition } = names.version
    const key = this.#sharingKey(names)
    const { index, bytes } = block
    let replaces = false
    cache.shared.addBlock(key, block)
    const kept = await cache.blocks.keep(async () => {
      const name = await names.find(index).catch(() => undefined)
      if (!name) return undefined
      return {
        partition,
        name,
        bytes,
        digest: names.version.names === 'digests' ? name : undefined,
        owner: alias.hash,
        index,
        beforeMs,
        clears: this.#removals?.clears,
        note: async (tx) => {
          replaces = await this.#note(tx, names, index)
        },
      }
    })
    const { hash: owner } = alias
    if (kept.kind === 'kept') this.#noteAnswer(names, index, { id: kept.id, owner, index, length: bytes.byteLength })
    cache.shared.removeBlock(key, block)
    if (replaces) await cache.blocks.attempt(() => cache.rows.tidyPages(alias))
    return kept
  }

  /** @throws {DOMException} named `AbortError` if the cache was cleared since the entry was opened. */
  async assertNotCleared(tx: Transaction): Promise<void> {
    const partition = await this.#options.cache.rows.partition
    const removals = this.#removals
    if (removals && !(await isCleared(tx, await usageIn(tx), partition, removals.clears))) return
    throw new DOMException('the cache was cleared meanwhile', 'AbortError')
  }

  /** The row of the version. */
  record({ names, blockLength }: Pick<VersionRecord, 'names' | 'blockLength'>): VersionRecord {
    const { alias, etag, size, type, modified } = this.info
    // Rows have no times before 1970.
    const modifiedMs = Math.max(0, modified.getTime() || 0)
    return { alias, etag, size, type, modifiedMs, names, blockLength, successor: undefined }
  }

  async #openSignature(reading: VersionReading, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    try {
      return (await this.#open(signal)).signature({ signal })
    } catch (error) {
      if (!isTransient(error)) throw error
    }
    const { size } = this.info
    const whole = this.read({ start: 0, end: size }, { ...reading, readAhead: true })
    return whole.pipeThrough(new SignatureStream({ sourceLength: size }))
  }

  /** The entry of the remote hive, at this version. */
  async #open(signal: AbortSignal | undefined): Promise<Entry> {
    this.#remote ??= this.#reach().catch((error: unknown) => {
      this.#remote = undefined
      throw error
    })
    return signal ? abortable(this.#remote, signal) : this.#remote
  }

  async #reach(): Promise<Entry> {
    const { cache, alias, consistency, bufferSize } = this.#options
    const remote = await cache.open(alias.alias, { consistency, bufferSize }).catch(async (error: unknown) => {
      if ((error as Error).name === 'NotFoundError') await cache.learn(alias, undefined)
      throw error
    })
    if (remote.etag === this.info.etag) return remote
    await cache.learn(alias, remote.etag)
    throw this.#conflict(remote.etag, 0)
  }

  /** Rejects if the cache knows that the entry has another version, or is gone; if it knows nothing, it asks the hive. */
  async #checkCurrent(offset: number, asked: Promise<VersionRecord | undefined>): Promise<void> {
    const { cache, alias, isReused = false, toleratedEtag } = this.#options
    const current = await currentEtag(cache, alias.alias, this.info.etag, await asked, isReused)
    if (current === this.info.etag || (current !== undefined && current === toleratedEtag)) return
    if (current !== undefined) throw this.#conflict(current, offset)
    throw new NotFoundError(`the entry was removed while it was being read: ${alias.alias}`, { alias: alias.alias })
  }

  /** What the cache knows of the entry now. */
  #known(): Promise<VersionRecord | undefined> {
    const { cache, alias } = this.#options
    return cache.blocks.attempt(() => cache.rows.get('e', alias))
  }

  #conflict(actualEtag: string, offset: number): ConflictError {
    const { alias, etag: expectedEtag } = this.info
    const message = `the entry was updated while it was being read: ${alias}`
    return new ConflictError(message, { alias, expectedEtag, actualEtag, offset })
  }

  get #versionKey(): string {
    const { alias, etag, size } = this.info
    return JSON.stringify([alias, etag, size])
  }

  #sharingKey({ version: { partition, etag, size, blockLength } }: BlockNames): string {
    return JSON.stringify([toHex(partition), this.info.alias, etag, size, blockLength])
  }
}
