import { checkInteger } from '../../bytes/check-integer.ts'
import { describeValue } from '../../bytes/describe-value.ts'
import type { Backend } from '../../store/backend.ts'
import type { BlockBackend } from '../tiered.ts'
import { nativeSha256 } from '../../bytes/sha256.ts'
import { claimBlocks } from '../elsewhere/claim-blocks.ts'
import type { PostgresClient } from './client.ts'
import { loadDriver } from './connect.ts'
import { PostgresBlocks } from './postgres-blocks.ts'
import { PostgresMetadata } from './postgres-metadata.ts'
import { PostgresNotices } from './postgres-notices.ts'
import { type HiveFormat, noteClaim, prepareSchema } from './schema.ts'
import { ServerCalls } from './server-calls.ts'

/** Options of {@linkcode postgresBackend}. */
export interface PostgresBackendOptions {
  /**
   * Name of the schema that holds the hive, and nothing else: up to 48 lower-case letters, digits and `_`, a letter
   * first. It is created if it does not exist.
   * @default 'combstream'
   */
  schema?: string | undefined
  /**
   * Where the blocks are, for example in an object store: a backend of which only the blocks are used. Closing this
   * backend closes it, too. A hive must always be opened with the same one, and no other hive with that one: when a hive
   * is created, no objects may be there.
   * @default the same schema
   */
  blocks?: BlockBackend | undefined
  /**
   * Whether a schema that does not exist, or is empty, becomes a hive.
   * @default true
   */
  create?: boolean | undefined
  /**
   * The largest number of connections, besides the one that listens for notices, if the client is made from a URL.
   * @default 10
   */
  connections?: number | undefined
  /**
   * Milliseconds for which a call waits for a connection, for a lock that another transaction has, for a server that
   * restarts, and for the answer, before it fails with a BackendError that is `retryable`. Opening waits at most 5 s for a
   * server that cannot be reached.
   * @default 30_000
   */
  timeoutMs?: number | undefined
  /**
   * Whether `hive.watch` sees the changes that others make, which takes a connection from the first watch on.
   * @default true
   */
  listen?: boolean | undefined
}

/** Largest block of a store. As text it has twice as many bytes, which is far less than a message may have. */
const BLOCK_BYTES = 67_108_864

/** The part of its time for which a commit waits for a lock, so that the server tells before the time is over. */
const LOCK_SHARE = 0.75

/**
 * Opens a hive in PostgreSQL 12 or later, and creates it if there is none. Any number of processes may have it open, and use it
 * at the same time.
 *
 * A commit is on the server's disk when it resolves, also if `synchronous_commit` is off; if it is `local` or
 * `remote_apply`, that applies. A block is on the disk when it resolves, or, if `synchronous_commit` is off, when the next
 * commit resolves. Both rely on the server's `fsync` and `full_page_writes`.
 *
 * @param server A URL such as `postgres://user@host/database`, or a client that you have made with the driver: `postgres(url,
 *   options)`. Closing the backend closes the client only if it was made from a URL. A pooler in front of the server must
 *   know prepared statements, or the client must have `prepare: false`; with a pooler that shares connections between
 *   transactions, set `listen: false`.
 * @throws {TypeError} if an option is of the wrong type.
 * @throws {RangeError} if an option is out of range.
 * @throws {FormatError} with `reason: 'magic'` if the schema belongs to another program, `'unsupported'` if a later version
 * of this package made it, or if the blocks of the hive are in PostgreSQL and should be elsewhere, or the other way round;
 * with `'magic'` if `blocks` belong to another hive, and with `'truncated'` if they are not those of this hive.
 * @throws {NotFoundError} if there is no hive, and `create` is false.
 * @throws {BackendError} if the server cannot be reached, or refuses; `retryable` if it may do so for a while only.
 *
 * @example
 * ```ts
 * import { LocalHive, StreamStore } from 'combstream'
 * import { postgresBackend } from 'combstream/backends/postgres'
 *
 * async function openHive(url: string): Promise<LocalHive> {
 *   return new LocalHive(new StreamStore(await postgresBackend(url)))
 * }
 * ```
 */
export async function postgresBackend(
  server: string | PostgresClient,
  options: PostgresBackendOptions = {},
): Promise<Backend> {
  const { schema = 'combstream', blocks, create = true, connections = 10, timeoutMs = 30_000, listen = true } = options
  checkServer(server)
  if (typeof schema !== 'string' || !/^[a-z][a-z0-9_]{0,47}$/.test(schema)) {
    throw new TypeError(
      `schema must be up to 48 lower-case letters, digits and "_", a letter first, got ${describeValue(schema)}`,
    )
  }
  if (blocks !== undefined && typeof blocks?.blocks?.put !== 'function') {
    throw new TypeError(`blocks must be a backend, got ${describeValue(blocks)}`)
  }
  checkInteger('connections', connections, 1, 10_000)
  checkInteger('timeoutMs', timeoutMs, 1, 2 ** 31 - 1)
  const connect = typeof server === 'string' ? await connector(server, connections) : undefined
  const client = typeof server === 'string' ? connect!() : server
  const renew =
    connect &&
    (() => {
      const next = connect()
      notices.renew(next)
      return next
    })
  const settle = (ending: PostgresClient): Promise<void> => notices.settle(ending)
  const calls = new ServerCalls(client, { timeoutMs, renew, settle })
  const notices = new PostgresNotices({ calls, channel: `combstream_${schema}`, client: listen ? client : undefined })
  const close = async (): Promise<void> => {
    await notices.close()
    await calls.close()
  }
  let format: HiveFormat
  try {
    format = await prepareSchema(calls, schema, { blocks: blocks ? 'elsewhere' : 'postgres', create })
    if (blocks) {
      await claimBlocks(blocks.blocks, format)
      if (!format.hasClaimed) await noteClaim(calls, schema)
    }
  } catch (error) {
    await close()
    throw error
  }
  let closed: Promise<void> | undefined
  const createHash = nativeSha256()
  return {
    metadata: new PostgresMetadata(calls, {
      schema: `"${schema}"`,
      id: format.id,
      lockTimeoutMs: Math.ceil(timeoutMs * LOCK_SHARE),
    }),
    blocks: blocks?.blocks ?? new PostgresBlocks(calls, schema),
    limits: { blockBytes: blocks ? (blocks.limits?.blockBytes ?? Infinity) : BLOCK_BYTES },
    notices,
    ...(createHash && { createHash }),
    close() {
      closed ??= closeAll([close(), blocks?.close() ?? Promise.resolve()])
      return closed
    },
  }
}

async function connector(url: string, connections: number): Promise<() => PostgresClient> {
  const connect = await loadDriver()
  return () => {
    try {
      return connect(url, connections)
    } catch {
      // Without the parser's error, which has the URL as a property.
      throw new TypeError('the URL of the server is not valid; a password in it must be percent-encoded')
    }
  }
}

function checkServer(server: string | PostgresClient): void {
  if (typeof server === 'string') {
    // Neither the URL nor the parser's message is shown: there may be a password in them.
    if (!/^postgres(ql)?:\/\//.test(server)) throw new TypeError('the URL of a server must begin with postgres://')
    return
  }
  // A client is a function with properties.
  if (typeof server?.unsafe !== 'function' || !(server.options?.max > 0)) {
    throw new TypeError(`server must be a URL or a client of the driver, got ${describeValue(server)}`)
  }
}

async function closeAll(closings: readonly Promise<void>[]): Promise<void> {
  const closed = await Promise.allSettled(closings)
  for (const result of closed) if (result.status === 'rejected') throw result.reason
}
