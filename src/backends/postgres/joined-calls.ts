import { describeValue } from '../../bytes/describe-value.ts'
import type { PostgresTransaction, RawResult, RawRow } from './client.ts'
import { postgresError } from './postgres-error.ts'
import { rowsOf } from './rows-of.ts'
import type { Call, Calls } from './server-calls.ts'
import { waitFor } from './wait-for.ts'

/**
 * Runs statements in a transaction that the caller has open. Nothing is repeated: after an error, a transaction can only be
 * rolled back.
 */
export class JoinedCalls implements Calls {
  readonly #transaction: PostgresTransaction

  /** @throws {TypeError} if it is not the transaction that a client's `begin` passes on. */
  constructor(transaction: unknown) {
    // A client itself would run each statement as a transaction of its own.
    const { unsafe, savepoint } = (transaction ?? {}) as Partial<PostgresTransaction>
    if (typeof unsafe !== 'function' || typeof savepoint !== 'function') {
      const what = "a transaction that the client's `begin` passes to its function"
      throw new TypeError(`join must be ${what}, got ${describeValue(transaction)}`)
    }
    this.#transaction = transaction as PostgresTransaction
  }

  async run({ what, statement, parameters, changes, signal }: Call): Promise<readonly RawRow[]> {
    const answer = await waitFor<RawResult>(
      (resolve, reject) => {
        const result = this.#transaction.unsafe(statement, [...parameters], { prepare: true }).raw()
        // Only the caller's own commit can have an unknown outcome.
        result.then(resolve, (error: unknown) => reject(postgresError(error, what, false)))
      },
      { signals: [signal] },
    )
    return rowsOf(answer, what, changes)
  }
}
