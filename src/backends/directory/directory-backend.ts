import { describeValue } from '../../bytes/describe-value.ts'
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { StreamingHash } from '../../bytes/sha256.ts'
import type { Backend } from '../../store/backend.ts'
import type { BlockBackend } from '../tiered.ts'
import { claimPlace } from './claim-place.ts'
import { assertRows, BLOCKS_DIRECTORY, DATABASE_FILE, prepareDirectory } from './directory-format.ts'
import { engineError } from './engine-error.ts'
import { type FileCalls, nodeFiles } from './file-calls.ts'
import { FileBlocks } from './file-blocks.ts'
import { RowsFile } from './rows-file.ts'
import { openSqlite } from './sqlite-metadata.ts'

/** Options of {@linkcode directoryBackend}. */
export interface DirectoryBackendOptions {
  /**
   * Keeps the blocks in another backend, such as an object store; its metadata is not used. Closing this backend closes
   * that one. Always open a hive with the same backend, and never two hives with one: a new hive refuses a backend that
   * has objects.
   * @default the directory
   */
  blocks?: BlockBackend | undefined
  /**
   * Milliseconds for which a call waits while other processes keep the database locked, before it fails with a
   * BackendError that is `retryable`.
   * @default 30_000
   */
  lockTimeoutMs?: number | undefined
  /**
   * Whether an absent or empty directory becomes a hive.
   * @default true
   */
  create?: boolean | undefined
  /**
   * Whether to open the directory only for reading: nothing is written or created there, not even by SQLite. Commits,
   * `put` and `delete` fail with a BackendError.
   * @default false
   */
  readOnly?: boolean | undefined
  /**
   * Whether commits run in a thread of their own, so that the event loop goes on while SQLite syncs the disk. The thread
   * starts with the first commit, which takes some 100 ms of CPU time once; a process that stores little and ends can do
   * without. Its script is a file beside this module, so a bundler must know workers, or treat
   * `combstream/backends/directory` as external. Node's `--permission` needs `--allow-worker` for it.
   * @default true
   */
  thread?: boolean | undefined
}

/**
 * Opens a directory as a backend; an absent or empty directory becomes one. A directory with other contents is left as
 * it is.
 *
 * A commit, a `put` and a `delete` are on the disk when they resolve. Reading writes nothing: a hive on a read-only or
 * full disk, or without permission to write, can be opened and read; only writes fail. If a full disk gets space again,
 * the next commit uses it. Where SQLite could read only by writing (the log of a process that was killed, on a
 * read-only disk), a temporary copy of the database is read.
 *
 * @throws {FormatError} with `reason: 'magic'` if the directory has other contents, `'unsupported'` if a later version
 * of this package made it, if `blocks` is given for a hive whose blocks are in the directory, or missing for another hive,
 * `'truncated'` if it is an incomplete copy: the marker, the database or its log is missing; with `'magic'` if `blocks`
 * belong to another hive, and with `'truncated'` if they are not those of this hive.
 * @throws {NotFoundError} if it is absent or empty, and `create` is false or `readOnly` true.
 * @throws {QuotaExceededError} if the disk is full, and there is no hive yet.
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
export function directoryBackend(path: string, options: DirectoryBackendOptions = {}): Promise<Backend> {
  return openDirectory(nodeFiles, path, options)
}

/** Does what {@linkcode directoryBackend} does, with these calls of the file system. */
export async function openDirectory(
  files: FileCalls,
  path: string,
  options: DirectoryBackendOptions = {},
): Promise<Backend> {
  const { blocks: elsewhere, lockTimeoutMs = 30_000, create = true, readOnly = false, thread = true } = options
  if (typeof path !== 'string' || path === '') throw new TypeError(`path must be a string, got ${describeValue(path)}`)
  if (typeof lockTimeoutMs !== 'number' || !(lockTimeoutMs >= 0)) {
    throw new RangeError(`lockTimeoutMs must be a number from 0, got ${describeValue(lockTimeoutMs)}`)
  }
  if (elsewhere !== undefined && typeof elsewhere?.blocks?.put !== 'function') {
    throw new TypeError(`blocks must be a backend, got ${describeValue(elsewhere)}`)
  }
  // A program may change its working directory, and files are opened later, too, also by the thread for commits.
  const root = resolve(path)
  await prepareDirectory(files, path, {
    create: create && !readOnly,
    lockTimeoutMs,
    elsewhere: elsewhere !== undefined,
  })
  const rowsFile = new RowsFile(files, root)
  const metadata = await openSqlite(join(root, DATABASE_FILE), {
    lockTimeoutMs,
    readOnly,
    thread,
    files,
    onCommit: (number, mutations) => rowsFile.note(number, mutations),
  })
  try {
    await assertRows(files, path, metadata, rowsFile)
    await claimPlace(path, metadata, { elsewhere, readOnly })
  } catch (error) {
    await metadata.close()
    throw engineError(error, `cannot open ${path}`)
  }
  const own = elsewhere ? undefined : new FileBlocks(files, join(root, BLOCKS_DIRECTORY), { readOnly })
  return {
    metadata,
    blocks: elsewhere?.blocks ?? own!,
    ...(elsewhere?.limits && { limits: elsewhere.limits }),
    prefersNeighbours: true,
    createHash: sha256,
    async close() {
      try {
        await (elsewhere ?? own!).close()
      } finally {
        await metadata.close()
      }
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
