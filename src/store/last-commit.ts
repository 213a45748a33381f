import { BackendError } from '../errors.ts'
import type { Check, Mutation, VersionedValue } from './backend.ts'
import { formatStream, isUsable, parseStream } from './format.ts'
import type { OwnRow } from './own-row.ts'
import { isTransient, maybeApplied, waitToRetry } from './retry.ts'
import type { StoreContext } from './store-context.ts'

/** What an attempt at the last commit would do. */
export interface LastChange {
  readonly checks: readonly Check[]
  readonly mutations: readonly Mutation[]
  /** Id of the stream that has the bytes afterwards. */
  readonly survivor: Uint8Array
  /** Key of the reference that it has then. */
  readonly referenceKey: Uint8Array | undefined
}

/**
 * The commit that ends an upload. Every attempt at it depends on the version of the own row and changes it: at most one
 * can ever be applied, also of those that arrive late. So when the answer is lost, the own row tells what happened; when
 * that is gone too, the reference does.
 */
export class LastCommit {
  readonly #context: StoreContext
  readonly #own: OwnRow
  /** Attempts that may have been applied. */
  readonly #unanswered: LastChange[] = []

  /** Ends the upload whose row is `own`. */
  constructor(context: StoreContext, own: OwnRow) {
    this.#context = context
    this.#own = own
  }

  /** Whether an attempt was made that may have been applied, or may be yet. */
  get mayBeApplied(): boolean {
    return this.#unanswered.length > 0
  }

  /**
   * Makes an attempt, and tells which stream survived; undefined if something that it depends on has changed.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if nothing tells.
   */
  async commit(change: LastChange): Promise<Uint8Array | undefined> {
    const { backend, host } = this.#context
    let failure: unknown
    for (let tries = 1; tries <= host.budget.tries; tries++) {
      let answer: string | false | undefined
      try {
        answer = await backend.metadata.commit(change.checks, change.mutations)
      } catch (error) {
        if (maybeApplied(error)) this.#unanswered.push(change)
        else if (!isTransient(error) && this.#unanswered.length === 0) throw error
        failure = error
      }
      if (answer) return change.survivor
      const { row, survivor } = await this.#look(failure)
      if (survivor) return survivor
      if (row?.version !== this.#own.version) throw this.#own.lost(failure)
      if (answer === false) return undefined
      await waitToRetry(host, tries)
    }
    const survivor = await this.ruleOut(failure)
    if (survivor) return survivor
    throw new BackendError('the last commit failed, and is ruled out now', { retryable: true, cause: failure })
  }

  /**
   * Makes sure that no attempt can be applied any more, and nobody goes on with the upload: its row says that it is
   * being deleted, or is gone. Tells which stream survived if an attempt was applied already.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if nothing tells.
   */
  async ruleOut(failure: unknown): Promise<Uint8Array | undefined> {
    const { backend, host } = this.#context
    for (let tries = 1; ; tries++) {
      const { row, survivor } = await this.#look(failure)
      if (survivor || !row) return survivor
      const record = parseStream(row.value)
      if (record.status.kind === 'deleting') return undefined
      const { key } = this.#own
      const value = formatStream({ ...record, status: { kind: 'deleting', reason: 'aborted' } })
      let cause = failure
      try {
        const checks = [{ key, version: row.version }]
        if (await backend.metadata.commit(checks, [{ key, value }])) return undefined
      } catch (error) {
        cause = error
      }
      if (tries === host.budget.tries)
        throw this.#unanswered.length > 0 ? undecided(cause) : (cause ?? this.#own.lost(undefined))
      await waitToRetry(host, tries)
    }
  }

  /** Reads the own row, and what it, or the reference, tells of the attempts so far. */
  async #look(failure: unknown): Promise<{ row: VersionedValue | undefined; survivor: Uint8Array | undefined }> {
    const row = await this.#decisively(() => this.#own.read())
    if (row) {
      const { status } = parseStream(row.value)
      if (isUsable(status)) return { row, survivor: this.#own.id }
      return {
        row,
        survivor: status.kind === 'deleting' && status.reason === 'duplicate' ? status.survivor : undefined,
      }
    }
    for (const { survivor, referenceKey } of this.#unanswered) {
      if (!referenceKey) continue
      if (await this.#decisively(() => this.#context.backend.metadata.get(referenceKey))) return { row, survivor }
    }
    if (this.#unanswered.length > 0) throw undecided(failure)
    return { row, survivor: undefined }
  }

  /** Reads what alone can tell what happened, if there is something to tell: so a failure is borne for a while. */
  async #decisively<T>(read: () => Promise<T>): Promise<T> {
    const { host } = this.#context
    for (let tries = 1; ; tries++) {
      try {
        return await read()
      } catch (error) {
        if (this.#unanswered.length === 0) throw error
        if (tries === host.budget.tries) throw undecided(error)
      }
      await waitToRetry(host, tries)
    }
  }
}

function undecided(cause: unknown): BackendError {
  const message = 'nothing tells whether the last commit was applied'
  return new BackendError(message, { retryable: false, outcome: 'unknown', cause })
}
