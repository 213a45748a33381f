import { equalBytes } from '../../bytes/byte-order.ts'
import { BackendError } from '../../errors.ts'
import { parseReference, type StreamRecord } from '../rows/row-values.ts'
import { waitToRetry } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'
import type { Changes } from '../transactions/row-buffer.ts'
import type { FencedRow, Outcome } from './fenced-row.ts'

/** What a last commit does. */
export interface Ending {
  /** What the own row says afterwards. */
  readonly record: StreamRecord
  /** All that it depends on, and changes. */
  readonly changes: Changes
  /** Id of the stream that has the bytes then. */
  readonly survivor: Uint8Array
  /** Key of the reference that it has then. */
  readonly referenceKey: Uint8Array | undefined
}

/**
 * The commit that ends an upload. At most one attempt at it can ever be applied, as the own row is fenced; so when the
 * answer is lost, that row tells what happened, and when it is gone too, the reference does, if it says that this upload
 * set it: one that was there before proves nothing.
 */
export class LastCommit {
  readonly #context: StoreContext
  readonly #row: FencedRow
  /** What was tried, also what was refused: only what was applied leaves a trace. */
  readonly #tried: Ending[] = []

  /** Ends the upload whose row is `row`. */
  constructor(context: StoreContext, row: FencedRow) {
    this.#context = context
    this.#row = row
  }

  /**
   * Makes an attempt, and tells which stream survived; undefined if something that it depends on has changed, so that it
   * is to be prepared anew.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if nothing tells whether it was applied.
   */
  async commit(ending: Ending): Promise<Uint8Array | undefined> {
    this.#tried.push(ending)
    const { key } = this.#row
    const { record, changes } = ending
    const outcome = await this.#row.commit({
      record,
      checks: changes.checks.filter((check) => !equalBytes(check.key, key)),
      mutations: changes.mutations.filter((mutation) => !equalBytes(mutation.key, key)),
    })
    if (outcome.kind === 'conflict') return undefined
    if (outcome.kind === 'lost') throw this.#row.lost(outcome.cause)
    if (outcome.kind === 'applied' || outcome.gone) return this.#survivor(outcome)
    const survivor = await this.ruleOut(outcome.cause)
    if (survivor) return survivor
    throw new BackendError('the last commit failed, and is ruled out now', { retryable: true, cause: outcome.cause })
  }

  /**
   * Makes sure that no attempt can be applied any more; tells which stream survived, if one was applied already.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if nothing tells.
   */
  async ruleOut(cause: unknown): Promise<Uint8Array | undefined> {
    const outcome = await this.#row.giveUp(cause)
    return outcome.kind === 'lost' ? undefined : this.#survivor(outcome)
  }

  /** The stream that survived: what was applied tells, or, when the row is gone, the reference. */
  async #survivor(outcome: Extract<Outcome, { kind: 'applied' | 'unknown' }>): Promise<Uint8Array> {
    if (outcome.kind === 'applied') return this.#tried.find(({ record }) => record === outcome.record)!.survivor
    if (outcome.gone) {
      for (const { survivor, referenceKey } of this.#tried) {
        if (referenceKey && (await this.#isOurs(referenceKey))) return survivor
      }
    }
    throw undecided(outcome.cause)
  }

  /** Reads what alone can tell what happened: so a failure is borne for a while. */
  async #isOurs(key: Uint8Array): Promise<boolean> {
    const { backend, host } = this.#context
    for (let tries = 1; ; tries++) {
      try {
        const row = await backend.metadata.get(key)
        const by = row && parseReference(row.value).by
        return by !== undefined && equalBytes(by, this.#row.id)
      } catch (error) {
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
