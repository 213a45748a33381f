import { equalBytes } from '../../bytes/byte-order.ts'
import { toHex } from '../../bytes/byte-text.ts'
import { isTransient } from '../../bytes/is-transient.ts'
import { BackendError } from '../../errors.ts'
import type { Check, Mutation, VersionedValue } from '../backend.ts'
import { formatCandidate, formatStream, isUsable, type StreamRecord } from '../rows/row-values.ts'
import { maybeApplied, persistently, waitToRetry } from '../retry.ts'
import { parseStreamRow, type StoreContext } from '../store-context.ts'

/** A change of a fenced row, and of others with it. */
export interface FencedChange {
  /** What the row says afterwards. */
  readonly record: StreamRecord
  /** Conditions besides the version of the row. */
  readonly checks?: readonly Check[] | undefined
  /** Changes besides that of the row. */
  readonly mutations?: readonly Mutation[] | undefined
}

/** The outcome of a commit. */
export type Outcome =
  /** It was applied, or one before it whose answer was lost; `record` is what that one wrote. */
  | { readonly kind: 'applied'; readonly record: StreamRecord }
  /** It was not applied, because another row that it depends on has changed. */
  | { readonly kind: 'conflict' }
  /** It will never be applied: another process has changed the row, or removed it. */
  | { readonly kind: 'lost'; readonly cause: unknown }
  /** The row does not show it: it is gone, or cannot be read, or is unchanged and the commit may still arrive. */
  | { readonly kind: 'unknown'; readonly gone: boolean; readonly cause: unknown }

/**
 * The row `s` of a stream that is being stored. Every commit of its writer depends on the row's version and changes it,
 * so at most one of those that are on their way can ever be applied, even of those that arrive late. A writer that
 * takes over the stream changes the row too, and so does collection. So the row shows the outcome of a commit whose
 * answer was lost.
 *
 * A stream that is stored by the commit that makes its row has no version yet for that commit to depend on. It depends
 * on the row's absence, and on a guard, the row `v`, which a collection rewrites before it removes the rows of streams.
 * So if the row is absent and the guard as it was, the row was never there, and only one commit that depends on both can
 * ever be applied.
 */
export class FencedRow {
  /** Id of the stream. */
  readonly id: Uint8Array
  /** Key of the row. */
  readonly key: Uint8Array
  readonly #context: StoreContext
  #record: StreamRecord
  #version: string | undefined
  /** What was sent since the row had this version, and may have been applied or still be. */
  #unanswered: StreamRecord[] = []
  readonly #guard: Check | undefined

  /**
   * The row of the stream `id`: as it was read, or, without a version, as it will be made.
   *
   * @param guard What the commit that makes the row depends on, if it also stores the stream.
   */
  constructor(
    context: StoreContext,
    id: Uint8Array,
    record: StreamRecord,
    { version, guard }: { version?: string | undefined; guard?: Check | undefined } = {},
  ) {
    this.#context = context
    this.#guard = guard
    this.id = id
    this.key = context.keys.stream(id)
    this.#record = record
    this.#version = version
  }

  /** The row's content, by the last change that is known to be applied. */
  get record(): StreamRecord {
    return this.#record
  }

  /** The row's version, by the last change that is known to be applied; undefined before the row exists. */
  get version(): string | undefined {
    return this.#version
  }

  /** Whether the stream is stored by the commit that makes its row. Then only a collection may remove the row. */
  get isGuarded(): boolean {
    return this.#guard !== undefined
  }

  /** Whether a commit that makes the row may still be applied. */
  get mayArrive(): boolean {
    return this.#version === undefined && this.#unanswered.length > 0
  }

  /**
   * Changes the row, and others with it. The same commit is repeated while its failures may be temporary. The commit
   * that creates the row is sent only once, unless it has a guard: the row may be absent again later, and a late
   * duplicate would be applied then.
   *
   * @param signal Ends the waiting between tries; a commit that has begun is waited for.
   * @throws what the backend fails with, if nothing was or will be applied.
   */
  async commit({ record, checks = [], mutations = [] }: FencedChange, signal?: AbortSignal): Promise<Outcome> {
    const { backend, host } = this.#context
    const allChecks = [...this.#conditions, ...checks]
    const allMutations = [{ key: this.key, value: formatStream(record) }, ...mutations]
    const mostTries = this.#version === undefined && !this.#guard ? 1 : host.budget.tries
    for (let tries = 1; ; tries++) {
      let answer: string | false | undefined
      let failure: unknown
      try {
        answer = await backend.metadata.commit(allChecks, allMutations)
      } catch (error) {
        if (maybeApplied(error)) this.#unanswered.push(record)
        else if (!isTransient(error) && this.#unanswered.length === 0) throw error
        failure = error
      }
      if (answer) return this.#applied(record, answer)
      if (answer === false || this.#unanswered.length > 0) {
        const { outcome } = await this.#look(failure)
        if (outcome) return outcome
        if (answer === false) return { kind: 'conflict' }
      }
      if (tries === mostTries) {
        if (this.#unanswered.length === 0) throw failure
        return { kind: 'unknown', gone: false, cause: failure }
      }
      await waitToRetry(host, tries, signal)
    }
  }

  /**
   * Marks the stream as given up, so that nothing that was sent can be applied any more, and nobody continues the
   * stream. Resolves with `applied` if a last commit was applied already, with `lost` if that is ruled out now.
   *
   * @throws what the backend fails with, if nothing was sent that may have been applied.
   */
  async giveUp(cause: unknown): Promise<Exclude<Outcome, { kind: 'conflict' }>> {
    const { backend, keys, host } = this.#context
    for (let tries = 1; ; tries++) {
      const { outcome, row } = await this.#look(cause)
      if (outcome && (outcome.kind === 'unknown' || isEnd(outcome))) return outcome
      const found = row && parseStreamRow(this.id, row.value)
      if (found ? found.status.kind === 'deleting' || !this.isOwn(found) : !this.#guard || !this.mayArrive)
        return { kind: 'lost', cause }
      const record: StreamRecord = { ...(found ?? this.#record), status: { kind: 'deleting', reason: 'aborted' } }
      const checks = row ? [{ key: this.key, version: row.version }] : this.#conditions
      const mutations = [{ key: this.key, value: formatStream(record) }]
      // A row that is made only for this is left to collection.
      if (!row) mutations.push({ key: keys.candidate(this.id), value: formatCandidate(host.now()) })
      let failure = cause
      try {
        if (await backend.metadata.commit(checks, mutations)) return { kind: 'lost', cause }
      } catch (error) {
        failure = error
      }
      if (tries === host.budget.tries) {
        if (this.#unanswered.length === 0) throw failure ?? this.lost(undefined)
        return { kind: 'unknown', gone: false, cause: failure }
      }
      await waitToRetry(host, tries)
    }
  }

  /** Whether a record of this stream was written by this writer, not by one that took it over. */
  isOwn(record: StreamRecord): boolean {
    return equalBytes(record.epoch, this.#record.epoch)
  }

  /** Reads the row. */
  read(): Promise<VersionedValue | undefined> {
    return this.#read(this.key)
  }

  #read(key: Uint8Array): Promise<VersionedValue | undefined> {
    const { backend, host } = this.#context
    return persistently(host, () => backend.metadata.get(key))
  }

  /** Whether the row is as the last acknowledged change left it, and no other change can arrive. */
  async isAsKnown(): Promise<boolean> {
    return this.#unanswered.length === 0 && (await this.read())?.version === this.#version
  }

  /** The error for a row that another process has changed. */
  lost(cause: unknown): BackendError {
    const message = `the upload ${toHex(this.id)} was collected while it was being stored: its lease was over`
    return new BackendError(message, { retryable: true, cause })
  }

  /** What each commit depends on, so that at most one is applied. */
  get #conditions(): Check[] {
    const own = { key: this.key, version: this.#version }
    return this.#guard && this.#version === undefined ? [own, this.#guard] : [own]
  }

  #applied(record: StreamRecord, version: string): Outcome {
    this.#record = record
    this.#version = version
    // They depend on a version that the row no longer has.
    this.#unanswered = []
    return { kind: 'applied', record }
  }

  /** Reads the row, and what it shows of the commits so far; no outcome if it has not changed. */
  async #look(cause: unknown): Promise<{ row?: VersionedValue | undefined; outcome?: Outcome }> {
    let row: VersionedValue | undefined
    let guarded = true
    try {
      // Before the row: once the guard has changed, no commit can make the row any more.
      if (this.#guard && this.#version === undefined)
        guarded = (await this.#readDecisively(this.#guard.key))?.version === this.#guard.version
      row = await this.#readDecisively(this.key)
    } catch (error) {
      if (this.#unanswered.length === 0) throw error
      return { outcome: { kind: 'unknown', gone: false, cause: error } }
    }
    if (row?.version === this.#version && (guarded || this.#unanswered.length === 0)) return { row }
    if (!row) {
      return { outcome: this.#unanswered.length > 0 ? { kind: 'unknown', gone: true, cause } : { kind: 'lost', cause } }
    }
    const found = parseStreamRow(this.id, row.value)
    const sent = this.#unanswered.find((record) => (this.#guard ? isMade(found, record) : tells(found, record)))
    return { row, outcome: sent ? this.#applied(sent, row.version) : { kind: 'lost', cause } }
  }

  /** Reads the row. While only it can show what happened, failures are tolerated for a while. */
  async #readDecisively(key: Uint8Array): Promise<VersionedValue | undefined> {
    const { host } = this.#context
    for (let tries = 1; ; tries++) {
      try {
        return await this.#read(key)
      } catch (error) {
        if (this.#unanswered.length === 0 || tries === host.budget.tries) throw error
      }
      await waitToRetry(host, tries)
    }
  }
}

/** Whether a row with the content `found` shows that the commit which wrote `sent` was applied. */
function tells(found: StreamRecord, sent: StreamRecord): boolean {
  if (!equalBytes(found.epoch, sent.epoch)) return false
  // Collection may have condemned it since.
  if (sent.status.kind === 'stored') return isUsable(found.status)
  return equalBytes(formatStream(found), formatStream(sent))
}

/**
 * Whether a row with the content `found` shows that the commit which made it, and wrote `sent`, was applied: nobody else
 * makes it, except to rule that commit out.
 */
function isMade({ epoch, status }: StreamRecord, sent: StreamRecord): boolean {
  return equalBytes(epoch, sent.epoch) && !(status.kind === 'deleting' && status.reason === 'aborted')
}

/** Whether the applied change ends the upload. */
function isEnd(outcome: Outcome): outcome is Extract<Outcome, { kind: 'applied' }> {
  if (outcome.kind !== 'applied') return false
  const { status } = outcome.record
  return status.kind === 'stored' || (status.kind === 'deleting' && status.reason === 'duplicate')
}
