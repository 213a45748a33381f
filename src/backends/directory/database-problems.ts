import { join } from 'node:path'
import { IntegrityError } from '../../errors.ts'
import { DATABASE_FILE } from './directory-format.ts'
import { engineError } from './engine-error.ts'
import { ReadOnlyDatabase } from './read-only-database.ts'

const LOCK_TIMEOUT_MS = 30_000
const MAX_PROBLEMS = 10

/**
 * Lets SQLite check the pages of the database in a directory. Writes nothing. It reads the whole database in one step,
 * and so blocks the thread.
 *
 * @returns The first problems that it finds.
 */
export async function databaseProblems(directory: string): Promise<IntegrityError[]> {
  const path = join(directory, DATABASE_FILE)
  const database = new ReadOnlyDatabase(path, LOCK_TIMEOUT_MS)
  try {
    const rows = await database.read((connection) =>
      connection.database.prepare(`PRAGMA quick_check(${MAX_PROBLEMS})`).all(),
    )
    const found = rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok')
    return found.map((text) => new IntegrityError(`${path} is damaged: ${text}`))
  } catch (error) {
    throw engineError(error, `cannot check ${path}`)
  } finally {
    await database.close()
  }
}
