import type { DatabaseSync } from 'node:sqlite'
import { isLocked } from './engine-error.ts'

/** COMMIT itself failed: the log may have the whole of it. */
export class CommitFailure extends Error {}

/** Does some work as one transaction, which `begin` begins. */
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

/** After some failures SQLite has rolled back by itself, and then refuses. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch (error) {
    if (!/no transaction is active/.test(String(error))) throw error
  }
}
