import { equalBytes } from '../../bytes/byte-order.ts'
import { BackendError } from '../../errors.ts'
import { parseReference, type StreamRecord } from '../rows/row-values.ts'
import { waitToRetry } from '../retry.ts'
import type { StoreContext } from '../store-context.ts'
import type { Changes } from '../transactions/row-buffer.ts'
import type { FencedRow, Outcome } from './fenced-row.ts'

/** What a last commit changes, and depends on. */
export interface Ending {
  /** What the stream's own row says afterwards. */
  readonly record: StreamRecord
  /** All other conditions and changes. */
  readonly changes: Changes
  /** Id of the stream that has the bytes afterwards. */
  readonly survivor: Uint8Array
  /** Key of the reference that this stream has afterwards. */
  readonly referenceKey: Uint8Array | undefined
}

/**
 * The commit that ends an upload. At most one attempt at it can ever be applied, since the stream's own row is fenced.
 * So when the answer is lost, that row shows what happened. When the row is gone too, the reference shows it, if it
 * says that this upload set it; a reference that was there before proves nothing.
 */
export class LastCommit {
  readonly #context: StoreContext
  readonly #row: FencedRow
  /** All attempts, refused ones too: only an applied one leaves a trace. */
  readonly #tried: Ending[] = []

  /** Ends the upload whose row is `row`. */
  constructor(context: StoreContext, row: FencedRow) {
    this.#context = context
    this.#row = row
  }

  /**
   * Makes an attempt, and returns the id of the stream that survived; undefined if something that it depends on has
   * changed, so that it must be prepared again.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if nothing shows whether it was applied.
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
    // The next attempt is under another id, so one that may still be applied must not be.
    if (outcome.kind === 'conflict') return this.#row.mayArrive ? this.ruleOut(undefined) : undefined
    if (outcome.kind === 'lost') throw this.#row.lost(outcome.cause)
    if (outcome.kind === 'applied' || outcome.gone) return this.#survivor(outcome)
    const survivor = await this.ruleOut(outcome.cause)
    if (survivor) return survivor
    throw new BackendError('the last commit failed, and is ruled out now', { retryable: true, cause: outcome.cause })
  }

  /**
   * Makes sure that no attempt can be applied any more. Returns the id of the stream that survived if one was applied
   * already.
   *
   * @throws {BackendError} with `outcome: 'unknown'` if nothing shows whether one was.
   */
  async ruleOut(cause: unknown): Promise<Uint8Array | undefined> {
    const outcome = await this.#row.giveUp(cause)
    return outcome.kind === 'lost' ? undefined : this.#survivor(outcome)
  }

  /** The id of the stream that survived, by the attempt that was applied or, when the row is gone, by the reference. */
  async #survivor(outcome: Extract<Outcome, { kind: 'applied' | 'unknown' }>): Promise<Uint8Array> {
    if (outcome.kind === 'applied') return this.#tried.find(({ record }) => record === outcome.record)!.survivor
    if (outcome.gone) {
      for (const { survivor, referenceKey } of this.#tried) {
        if (referenceKey && (await this.#isOurs(referenceKey))) return survivor
      }
    }
    throw undecided(outcome.cause)
  }

  /** Reads the only row that can show what happened, so failures are tolerated for a while. */
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
  const message = 'nothing shows whether the last commit was applied'
  return new BackendError(message, { retryable: false, outcome: 'unknown', cause })
}
