import type { Backend } from '../../store/backend.ts'
import { BroadcastNotices } from './broadcast-notices.ts'
import { type BlocksPlace, Database } from './database.ts'
import { IdbMetadata } from './idb-metadata.ts'

/** A backend but for its blocks, and its database. */
export interface BrowserRows extends Pick<Backend, 'metadata' | 'close'> {
  readonly notices: BroadcastNotices
  readonly database: Database
}

/** Opens the database of a hive in the browser; creates it if there is none. */
export async function openRows(name: string, blocks: BlocksPlace): Promise<BrowserRows> {
  if (typeof name !== 'string' || name === '')
    throw new TypeError('the name of a hive must be a string that is not empty')
  const database = new Database(`combstream:${name}`, blocks)
  await database.open()
  const notices = new BroadcastNotices(`combstream:${name}`)
  return {
    metadata: new IdbMetadata(database),
    notices,
    database,
    async close() {
      notices.close()
      await database.close()
    },
  }
}
