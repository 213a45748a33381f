import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StreamStore } from 'combstream'
import { directoryBackend } from 'combstream/backends/directory'
import { type Contest, timed } from './contest.ts'
import { inParallel, storeContent } from './store-contents.ts'
import { noise } from './noise.ts'

const CONTENT_BYTES = 1024
const WRITERS = 8

/** Contents of 1 KiB, each acknowledged once it is durable, compared with equally durable bare commits of SQLite. */
export function smallContest(directory: string, count: number): Contest {
  const bytes = noise(count * CONTENT_BYTES, 2)
  const contents = Array.from({ length: count }, (_, i) => bytes.subarray(i * CONTENT_BYTES, (i + 1) * CONTENT_BYTES))
  return {
    what: `${count} contents of 1 KiB, ${WRITERS} writers`,
    peerName: 'as many commits of SQLite that insert 1 KiB each, WAL, synchronous=FULL',
    amount: count,
    unit: '',
    target: 0.5,
    async ours() {
      const hive = join(directory, 'small-hive')
      const store = new StreamStore(await directoryBackend(hive))
      const cost = await timed(() => inParallel(contents, WRITERS, (content) => storeContent(store, content)))
      await store.close()
      await rm(hive, { recursive: true })
      return cost
    },
    async peer() {
      const folder = join(directory, 'small-sqlite')
      await mkdir(folder)
      const database = new DatabaseSync(join(folder, 'contents.sqlite'))
      database.exec('PRAGMA journal_mode = WAL')
      database.exec('PRAGMA synchronous = FULL')
      database.exec('CREATE TABLE contents (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
      const insert = database.prepare('INSERT INTO contents (bytes) VALUES (?)')
      const cost = await timed(async () => {
        for (const content of contents) insert.run(content)
      })
      database.close()
      await rm(folder, { recursive: true })
      return cost
    },
  }
}
