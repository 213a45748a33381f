import { describeValue } from '../../bytes/describe-value.ts'
import type { Backend } from '../../store/backend.ts'
import { BroadcastNotices } from './broadcast-notices.ts'
import { type BlocksPlace, Database } from './database.ts'
import { IdbMetadata } from './idb-metadata.ts'

/** A backend but for its blocks, and its database. */
export interface BrowserRows extends Pick<Backend, 'metadata' | 'close'> {
  readonly notices: BroadcastNotices
  readonly database: Database
}

/**
 * Checks the name of a hive in the browser.
 *
 * @throws {TypeError} if it is not a string, is empty, or has lone surrogates, which cannot be percent-encoded.
 */
export function checkHiveName(name: string): void {
  if (typeof name === 'string' && name !== '' && !/\p{Surrogate}/u.test(name)) return
  throw new TypeError(
    `the name of a hive must be a string that is not empty, without lone surrogates, got ${describeValue(name)}`,
  )
}

/** Opens the database of a hive in the browser, whose name has been checked; creates it if there is none. */
export async function openRows(name: string, blocks: BlocksPlace): Promise<BrowserRows> {
  const database = new Database(`combstream:${name}`, blocks)
  await database.open()
  const notices = new BroadcastNotices(`combstream:${name}`)
  return {
    metadata: new IdbMetadata(database),
    notices,
    database,
    async close() {
      notices.close()
      database.close()
    },
  }
}
