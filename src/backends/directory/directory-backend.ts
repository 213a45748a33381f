import { describeValue } from '../../bytes/describe-value.ts'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Backend, StreamingHash } from '../../store/backend.ts'
import { assertDatabase, BLOCKS_DIRECTORY, DATABASE_FILE, openDirectory } from './directory-format.ts'
import { openFileBlocks } from './file-blocks.ts'
import { openSqlite } from './sqlite-metadata.ts'

/** Options of {@linkcode directoryBackend}. */
export interface DirectoryBackendOptions {
  /**
   * Milliseconds for which a call waits while other processes keep the database locked, before it fails with a
   * BackendError that is `retryable`.
   * @default 30_000
   */
  lockTimeoutMs?: number | undefined
  /**
   * Whether a directory that is absent or empty is made a hive.
   * @default true
   */
  create?: boolean | undefined
}

/**
 * Opens a directory as a backend; an absent or empty one is made one. What is there is never touched if it is something
 * else.
 *
 * A commit, a `put` and a `delete` are on the disk when they resolve.
 *
 * @throws {FormatError} with `reason: 'magic'` if the directory holds something else, `'unsupported'` if a later version
 * of this package made it, `'truncated'` if it has blocks, but its database is lost.
 * @throws {NotFoundError} if it is absent or empty, and `create` is false.
 * @throws {QuotaExceededError} if the disk is full.
 * @throws {BackendError} if the file system or SQLite refuses.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { directoryBackend } from 'combstream/backends/directory'
 * import { StreamStore } from 'combstream/store'
 *
 * const directory = await mkdtemp(join(tmpdir(), 'hive-'))
 * const store = new StreamStore(await directoryBackend(directory))
 * const sink = store.sink({ reference: new Uint8Array([1]) })
 * await new Blob(['honey']).stream().pipeTo(sink)
 * await store.close()
 *
 * const again = new StreamStore(await directoryBackend(directory))
 * const stored = await again.open((await sink.stored).id)
 * console.assert((await new Response(stored.stream()).text()) === 'honey')
 * await again.close()
 * await rm(directory, { recursive: true })
 * ```
 */
export async function directoryBackend(path: string, options: DirectoryBackendOptions = {}): Promise<Backend> {
  const { lockTimeoutMs = 30_000, create = true } = options
  if (typeof path !== 'string' || path === '') throw new TypeError(`path must be a text, got ${describeValue(path)}`)
  if (!(lockTimeoutMs >= 0)) throw new RangeError(`lockTimeoutMs must be from 0, got ${lockTimeoutMs}`)
  await openDirectory(path, create)
  const blocks = await openFileBlocks(join(path, BLOCKS_DIRECTORY))
  await assertDatabase(path)
  const metadata = await openSqlite(join(path, DATABASE_FILE), lockTimeoutMs)
  return {
    metadata,
    blocks,
    createHash: sha256,
    async close() {
      await blocks.close()
      metadata.close()
    },
  }
}

function sha256(): StreamingHash {
  const hash = createHash('sha256')
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest: () => new Uint8Array(hash.digest()),
  }
}
