import { describeValue } from '../../bytes/describe-value.ts'
import { markHandled } from '../../bytes/promises.ts'
import type { PostgresTransaction, RawResult, RawRow } from './client.ts'
import { isMissingColumn, isMissingTable, postgresError } from './postgres-error.ts'
import { rowsOf } from './rows-of.ts'
import type { Call, Calls } from './server-calls.ts'
import { waitFor } from './wait-for.ts'
import { textOf } from './wire.ts'

/** The hive on which statements are run. */
export interface JoinedHive {
  /** Name of its schema, in double quotes. */
  readonly schema: string
  /** Its id, which its table `format` has. */
  readonly id: string
}

/**
 * Runs statements in a transaction that the caller has open. Nothing is repeated: after an error, a transaction can only be
 * rolled back.
 */
export class JoinedCalls implements Calls {
  readonly #transaction: PostgresTransaction
  readonly #id: Promise<string>

  /** @throws {TypeError} if it is not the transaction that a client's `begin` passes on. */
  constructor(transaction: unknown, hive: JoinedHive) {
    // A client itself would run each statement as a transaction of its own.
    const { unsafe, savepoint } = (transaction ?? {}) as Partial<PostgresTransaction>
    if (typeof unsafe !== 'function' || typeof savepoint !== 'function') {
      const what = "a transaction that the client's `begin` passes to its function"
      throw new TypeError(`join must be ${what}, got ${describeValue(transaction)}`)
    }
    this.#transaction = transaction as PostgresTransaction
    // At once, because the caller may end the transaction before anything else is asked for.
    this.#id = this.#identify(hive)
    markHandled(this.#id)
  }

  /**
   * Resolves with the id of the transaction.
   *
   * @throws {TypeError} if it is not in the database of the hive.
   */
  async transactionId(signal: AbortSignal | undefined): Promise<string> {
    return waitFor<string>(
      (resolve, reject) => {
        this.#id.then(resolve, reject)
      },
      { signals: [signal] },
    )
  }

  async run(call: Call): Promise<readonly RawRow[]> {
    await this.transactionId(call.signal)
    return this.#ask(call)
  }

  async #identify({ schema, id }: JoinedHive): Promise<string> {
    let row: RawRow | undefined
    try {
      ;[row] = await this.#ask({
        what: 'cannot join the transaction',
        statement: `select txid_current(), id from ${schema}.format`,
        parameters: [],
        changes: false,
        signal: undefined,
      })
    } catch (error) {
      const { cause } = error as Error
      if (!isMissingTable(cause) && !isMissingColumn(cause)) throw error
    }
    if (!row || textOf(row[1]!) !== id) throw new TypeError('join must be a transaction in the database of the hive')
    return textOf(row[0]!)
  }

  async #ask({ what, statement, parameters, changes, signal }: Call): Promise<readonly RawRow[]> {
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
