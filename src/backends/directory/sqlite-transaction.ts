import type { DatabaseSync } from 'node:sqlite'
import { isLocked } from './engine-error.ts'

/** COMMIT itself failed, so the log may contain all of the transaction. */
export class CommitFailure extends Error {}

/** Runs some work as one transaction, which begins with the statement `begin`. */
export function inTransaction<T>(database: DatabaseSync, begin: string, work: () => T): T {
  database.exec(begin)
  let result: T
  try {
    result = work()
  } catch (error) {
    rollBack(database)
    throw error
  }
  try {
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw isLocked(error) ? error : new CommitFailure('COMMIT failed', { cause: error })
  }
  return result
}

/** Rolls back. After some failures SQLite has already done so by itself, and then refuses. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch (error) {
    if (!/no transaction is active/.test(String(error))) throw error
  }
}
