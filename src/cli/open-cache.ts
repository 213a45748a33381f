import { createHash } from 'node:crypto'
import { asUsage } from './as-usage.ts'
import { errorLine } from './error-line.ts'
import { type LocalPlace, openRemote, READ_AHEAD_BYTES } from './open-hive.ts'
import { printLine } from './print-line.ts'

/** Blocks that are held in memory: many ranges of one block are asked for within a short time. */
const MEMORY_BYTES = 2 ** 27

/** What `comb serve --cache` serves. */
export interface CachePlace {
  /** Directory of the cache; created if it does not exist. */
  readonly directory: string
  /** URL of the hive in front of which it stands. */
  readonly from: string
  /** Token for that hive. */
  readonly token: string | undefined
  /** Budget in bytes. */
  readonly bytes: number
}

/** Opens a cache of a hive on another server. */
export async function openCache({ directory, from, token, bytes }: CachePlace): Promise<LocalPlace> {
  const remote = await openRemote(from, token)
  const [{ directoryBackend }, { StreamStore }, { cachedHive }] = await Promise.all([
    import('../backends/directory.ts'),
    import('../store/stream-store.ts'),
    import('../cache/cached-hive.ts'),
  ])
  const backend = await asUsage(() => directoryBackend(directory, { create: true, thread: true }))
  const store = new StreamStore(backend, { name: 'cache', readAheadBytes: READ_AHEAD_BYTES })
  const closing = new AbortController()
  const hive = cachedHive(remote, store, {
    bytes,
    memoryBytes: MEMORY_BYTES,
    follow: true,
    signal: closing.signal,
    // What one token has fetched is not served to those who give the server another.
    principal: token === undefined ? '' : createHash('sha256').update(token).digest('hex'),
    onError: (error) => printLine(`caching: ${errorLine(error)}`),
  })
  const close = async (): Promise<void> => {
    await hive.flush()
    closing.abort(new DOMException('the server is closing', 'AbortError'))
    await store.close()
  }
  return { hive, store, close }
}
