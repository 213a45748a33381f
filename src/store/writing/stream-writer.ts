import { toHex } from '../../bytes/byte-text.ts'
import { isTransient } from '../../bytes/is-transient.ts'
import { BackendError } from '../../errors.ts'
import {
  type BlockEntry,
  EPOCH_BYTES,
  formatCandidate,
  formatStream,
  formatStreamId,
  type StreamRecord,
} from '../rows/row-values.ts'
import { maybeApplied, waitToRetry } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'
import type { RowBuffer } from '../transactions/row-buffer.ts'
import type { CutBlock } from './block-cutter.ts'
import { discardStream } from './discard-stream.ts'
import { FencedRow, type Outcome } from './fenced-row.ts'
import type { KnownStream } from './find-stored.ts'
import { type Ending, LastCommit } from './last-commit.ts'
import { LatePuts } from './late-puts.ts'
import { ObjectNames } from './object-names.ts'
import { PageWriter } from './page-writer.ts'
import { hasPermanentReference } from './permanent-reference.ts'
import { deleteObjects } from './remove-stream.ts'

/** What a stream ends with. */
export interface StreamEnd {
  /** Entries of its last blocks, which are in no page yet. */
  readonly entries: readonly BlockEntry[]
  /** Number of bytes of the whole stream. */
  readonly size: number
  /** All of its bytes, if it is to have no blocks. */
  readonly content: Uint8Array | undefined
}

/** Where a writer is in the life of its stream. */
type State =
  /** Nothing was sent to the backend. */
  | { readonly kind: 'unmade' }
  /** The last commit will make the row; it was not tried. */
  | { readonly kind: 'planned'; readonly row: FencedRow; readonly made: false }
  /** The row exists, or may: `made` says that its commit was acknowledged. */
  | { readonly kind: 'storing'; readonly row: FencedRow; readonly made: boolean }
  /** A last commit was tried; if not `made`, one that makes the row. */
  | { readonly kind: 'ending'; readonly row: FencedRow; readonly made: boolean; readonly last: LastCommit }

/**
 * The rows and objects of one stream that is being stored: the protocol of `docs/formats.md`, "Storing", step by step.
 * Its methods are called one after the other, except `put`.
 *
 * It makes a new row, or continues an existing one, which gives the offset, the blocks and the page that is not full.
 */
export class StreamWriter {
  readonly #context: StoreContext
  readonly #signal: AbortSignal
  readonly #names: ObjectNames
  #state: State
  /**
   * Names that will not be used: of objects whose put failed, or of intents whose commit did, perhaps after it was
   * applied.
   */
  #abandoned: Uint8Array[] = []
  readonly #late: LatePuts
  readonly #pages: PageWriter
  readonly #pending = new Set<Promise<unknown>>()

  /**
   * `signal` ends puts and waits; commits that have begun are waited for.
   *
   * @param existing The row of a stream that this writer has taken over.
   */
  constructor(context: StoreContext, signal: AbortSignal, existing?: FencedRow) {
    this.#context = context
    this.#signal = signal
    this.#names = new ObjectNames(context)
    this.#late = new LatePuts(context)
    this.#pages = new PageWriter(context)
    this.#state = existing ? { kind: 'storing', row: existing, made: true } : { kind: 'unmade' }
  }

  /** Whether the row exists; it may be on its way before. */
  get made(): boolean {
    return this.#state.kind !== 'unmade' && this.#state.made
  }

  /** Id of the stream, final once the row is made. */
  get id(): Uint8Array {
    return this.#row.id
  }

  /** When the lease of the stream ends, by the last commit that is known to be applied. */
  get leaseUntil(): number {
    return this.#row.record.leaseUntil
  }

  get #row(): FencedRow {
    if (this.#state.kind === 'unmade') throw new TypeError('the stream has no row yet')
    return this.#state.row
  }

  /** Whether the last commit will make the row. */
  get isPlanned(): boolean {
    return this.#state.kind === 'planned'
  }

  /** Has the last commit make the row, for a stream that has no blocks. */
  async plan(): Promise<void> {
    const guard = await this.#context.versionRow.check({ signal: this.#signal })
    const row = new FencedRow(this.#context, this.#context.streamIds.next(), this.#newRecord(), { guard })
    this.#state = { kind: 'planned', row, made: false }
  }

  /** Makes the row, with names for `count` puts. A creation that may still be applied is abandoned for a new id. */
  make(count: number): Promise<void> {
    return this.#track(this.#make(count))
  }

  async #make(count: number): Promise<void> {
    const { keys, host } = this.#context
    try {
      for (let tries = 1; ; tries++) {
        const id = this.#context.streamIds.next()
        const record = this.#newRecord()
        const row = new FencedRow(this.#context, id, record)
        this.#state = { kind: 'storing', row, made: false }
        this.#names.clear()
        const { names, mutations } = this.#names.make(id, count)
        const candidate = { key: keys.candidate(id), value: formatCandidate(record.createdAt) }
        let failure: unknown
        try {
          const outcome = await row.commit({ record, mutations: [candidate, ...mutations] })
          if (outcome.kind === 'applied') {
            this.#state = { kind: 'storing', row, made: true }
            this.#names.reserve(names)
            return
          }
          failure = 'cause' in outcome ? outcome.cause : undefined
          // Nothing failed, so the row was there before. After a failure it may already have been collected.
          if (failure === undefined) throw new BackendError(`a stream ${toHex(id)} exists`, { retryable: false })
        } catch (error) {
          if (!isTransient(error)) throw error
          failure = error
        }
        if (tries === host.budget.tries) throw failure
        await waitToRetry(host, tries, this.#signal)
      }
    } catch (error) {
      this.#names.fail(error)
      throw error
    }
  }

  /** Sees to it that `count` puts need not wait for names, besides those that have begun. */
  ensureNames(count: number): Promise<void> {
    const missing = count - this.#names.available
    return missing > 0
      ? this.#track(this.#intend(missing).then((names) => this.#names.reserve(names)))
      : Promise.resolve()
  }

  /** Commits intents for `count` new names. */
  async #intend(count: number): Promise<Uint8Array[]> {
    const { backend, host } = this.#context
    for (let tries = 1; ; tries++) {
      const { names, mutations } = this.#names.make(this.id, count)
      try {
        await backend.metadata.commit([], mutations)
        return names
      } catch (error) {
        if (tries === host.budget.tries || !(maybeApplied(error) || isTransient(error))) throw error
        // Their intents may exist, now or later. The commit of the next entries removes them.
        this.#abandoned.push(...names)
      }
      await waitToRetry(host, tries, this.#signal)
    }
  }

  /** Puts a block, under another name each time it is tried, and tells where it is. */
  put(block: CutBlock): Promise<BlockEntry> {
    return this.#track(this.#put(block))
  }

  async #put({ rawLength, stored, codec, checksum }: CutBlock): Promise<BlockEntry> {
    const { backend, keys, host, temperature } = this.#context
    let object = await this.#names.take()
    for (let tries = 1; ; tries++) {
      this.#signal.throwIfAborted()
      try {
        await backend.blocks.put(keys.object(object), stored, { signal: this.#signal, hints: { temperature } })
        return { object, rawLength, storedLength: stored.byteLength, codec, checksum }
      } catch (error) {
        if (this.#signal.aborted || maybeApplied(error)) this.#late.add(object)
        if (this.#signal.aborted || tries === host.budget.tries || !isTransient(error)) throw error
      }
      await waitToRetry(host, tries, this.#signal)
      this.#abandoned.push(object)
      object = (await this.#intend(1))[0]!
    }
  }

  /** Commits the entries of blocks that were put, and names for `count` more puts. */
  append(entries: readonly BlockEntry[], count: number): Promise<void> {
    return this.#track(this.#append(entries, count))
  }

  async #append(entries: readonly BlockEntry[], count: number): Promise<void> {
    const { keys } = this.#context
    const used = [...entries.map((entry) => entry.object), ...(await this.#deleteAbandoned())]
    const pages = await this.#pages.with(entries, this.#row)
    const next = this.#names.make(this.id, count)
    const { size, blockCount } = this.#row.record
    const record: StreamRecord = {
      ...this.#leased(),
      size: size + entries.reduce((sum, entry) => sum + entry.rawLength, 0),
      blockCount: blockCount + entries.length,
    }
    const intents = used.map((object) => ({ key: keys.intent(object), value: undefined }))
    try {
      const mutations = [...pages, ...intents, ...next.mutations]
      const outcome = await this.#row.commit({ record, mutations }, this.#signal)
      if (outcome.kind !== 'applied') throw this.#failureOf(outcome)
    } catch (error) {
      this.#names.fail(error)
      throw error
    }
    this.#names.settle(used)
    this.#names.reserve(next.names)
  }

  #failureOf(outcome: Outcome): unknown {
    // The cause is the backend's last answer; the removal of the upload finds out what happened to the commit.
    if (outcome.kind === 'unknown' && outcome.cause !== undefined) return outcome.cause
    return this.#row.lost('cause' in outcome ? outcome.cause : undefined)
  }

  /** Adds to `rows` that this stream is stored, with the entries that are not appended yet, and gives its record. */
  async endAsStored(rows: RowBuffer, { entries, size, content }: StreamEnd, digest: Uint8Array): Promise<StreamRecord> {
    const record: StreamRecord = {
      ...this.#leased(),
      status: { kind: 'stored' },
      size,
      blockCount: this.#row.record.blockCount + entries.length,
      digest,
      content,
    }
    this.#end(rows, record)
    rows.write(this.#context.keys.digest(digest), formatStreamId(this.id))
    await this.#endBlocks(rows, entries)
    return record
  }

  /**
   * Adds to `rows` that this stream's blocks, with the entries that are not appended yet, replace those of a damaged
   * stream with the same bytes. This stream is given up, and takes over the former blocks of the other: collection keeps
   * them until those who read them have finished.
   *
   * @returns the records of the other stream and of this one.
   */
  async endAsHealer(
    rows: RowBuffer,
    { entries, size, content }: StreamEnd,
    { id, record }: KnownStream,
  ): Promise<{ record: StreamRecord; own: StreamRecord }> {
    const { blockSize, blockCount, codec } = this.#row.record
    const healed: StreamRecord = {
      ...record,
      status: { kind: 'stored' },
      size,
      content,
      blockSize,
      blockCount: blockCount + entries.length,
      codec,
      pageSet: this.id,
      damaged: undefined,
    }
    const own: StreamRecord = {
      ...this.#row.record,
      status: { kind: 'deleting', reason: 'duplicate', survivor: id },
      size: record.size,
      content: record.content,
      blockSize: record.blockSize,
      blockCount: record.blockCount,
      codec: record.codec,
      pageSet: record.pageSet ?? id,
    }
    this.#end(rows, own)
    rows.write(this.#context.keys.stream(id), formatStream(healed))
    await this.#endBlocks(rows, entries)
    return { record: healed, own }
  }

  /** Adds to `rows` that this stream is given up, because `survivor` has the same bytes, and gives its record. */
  endAsDuplicate(rows: RowBuffer, survivor: Uint8Array): StreamRecord {
    const record: StreamRecord = {
      ...this.#row.record,
      status: { kind: 'deleting', reason: 'duplicate', survivor },
    }
    this.#end(rows, record)
    return record
  }

  /**
   * The record that `rows` should end the stream with, given what they hold by now. A stream that has a permanent
   * reference from its first moment on can be dead only after an unmark, which makes it a candidate: so these rows end
   * its being one, and it has no lease. Then a collection visits only what may be dead.
   */
  settleCandidate(rows: RowBuffer, record: StreamRecord): StreamRecord {
    const { keys } = this.#context
    const key = keys.candidate(this.id)
    if (rows.hasWritten(key)) return record
    const isKept = hasPermanentReference(rows.writes, keys.references(this.id))
    if (isKept && this.made) rows.write(key, undefined)
    if (!isKept && !this.made) rows.write(key, formatCandidate(record.createdAt))
    return isKept ? { ...record, leaseUntil: 0 } : record
  }

  /** Adds to `rows` the last entries, and the end of all intents. */
  async #endBlocks(rows: RowBuffer, entries: readonly BlockEntry[]): Promise<void> {
    await this.#deleteAbandoned()
    for (const { key, value } of await this.#pages.with(entries, this.#row)) rows.write(key, value)
    for (const object of this.#names.intents) rows.write(this.#context.keys.intent(object), undefined)
  }

  #end(rows: RowBuffer, record: StreamRecord): void {
    const { key, version } = this.#row
    rows.expect(key, version === undefined ? undefined : { value: formatStream(this.#row.record), version })
    rows.write(key, formatStream(record))
  }

  /**
   * Makes the last commit, as {@linkcode LastCommit.commit} does. If that was to make the row, and something has changed,
   * it is ruled out, and the next attempt is to be planned again.
   */
  async commitLast(ending: Ending): Promise<Uint8Array | undefined> {
    const { made } = this
    const row = this.#row
    if (this.#state.kind !== 'ending') {
      this.#state = { kind: 'ending', row, made, last: new LastCommit(this.#context, row) }
    }
    const survivor = await this.#state.last.commit(ending)
    if (!survivor && !made) {
      this.#state = { kind: 'unmade' }
      this.#context.versionRow.forget()
    }
    return survivor
  }

  /** Removes all that was written of a stream that is not to be stored, or is one already. */
  async discard(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
    const state = this.#state
    if (state.kind === 'unmade' || state.kind === 'planned') return
    const last = state.kind === 'ending' ? state.last : undefined
    try {
      await this.#late.trash()
    } finally {
      await discardStream(this.#context, state.row, this.#names.intents, last)
    }
  }

  async #deleteAbandoned(): Promise<Uint8Array[]> {
    const abandoned = this.#abandoned
    this.#abandoned = []
    await deleteObjects(this.#context, abandoned)
    await this.#late.trash()
    return abandoned
  }

  #newRecord(): StreamRecord {
    const { host, blockSize, leaseMs, codec } = this.#context
    const now = host.now()
    return {
      status: { kind: 'storing' },
      epoch: host.random(EPOCH_BYTES),
      createdAt: now,
      leaseUntil: now + leaseMs,
      size: 0,
      blockCount: 0,
      blockSize,
      codec,
      digest: undefined,
      extensions: new Uint8Array(0),
    }
  }

  /** The record with a new lease. */
  #leased(): StreamRecord {
    return { ...this.#row.record, leaseUntil: this.#context.host.now() + this.#context.leaseMs }
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
