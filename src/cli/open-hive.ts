import type { Hive } from '../hive/hive.ts'
import type { CodecName } from '../store/codecs/block-codecs.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { UsageError } from './usage-error.ts'

/** Options of {@linkcode withHive}. */
export interface HiveOptions {
  /** Token for the server. */
  readonly token?: string | undefined
  /** Creates the hive if it does not exist; for commands that write. */
  readonly create?: boolean
  /** Writes nothing to the directory, not even SQLite's auxiliary files; for commands that only read. */
  readonly readOnly?: boolean
  /** How blocks are compressed that are stored in a directory; a server decides by itself. */
  readonly compress?: CodecName | undefined
}

/** Whether a hive is behind a URL; otherwise it is in a directory. */
export function isUrl(place: string): boolean {
  return /^https?:/i.test(place)
}

/** Opens the hive in a directory or behind a URL, uses it, and closes it, whatever happens. */
export async function withHive<T>(place: string, options: HiveOptions, use: (hive: Hive) => Promise<T>): Promise<T> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(place)?.[1]?.toLowerCase()
  if (scheme === 'http' || scheme === 'https') {
    if (options.compress) throw new UsageError('--compress is for a directory: a server decides for its own hive')
    return use(await openUrl(place, options.token))
  }
  if (scheme !== undefined) throw new UsageError(`a hive must be a directory or an http(s) URL, got ${place}`)

  const { hive, close } = await openDirectory(place, options)
  try {
    return await use(hive)
  } finally {
    await close()
  }
}

async function openUrl(place: string, token: string | undefined): Promise<Hive> {
  if (!URL.canParse(place)) throw new UsageError(`not a URL: ${place}`)
  const { username, password, search, hash } = new URL(place)
  if (username || password) throw new UsageError('a URL must not contain a user name or password: use a token')
  if (search || hash) throw new UsageError(`the URL of a hive must not have a query or a fragment, got ${place}`)
  const { HttpHive } = await import('../http/client/http-hive.ts')
  return new HttpHive(place, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })
}

/** Options of {@linkcode openDirectory}. */
export interface DirectoryOptions extends HiveOptions {
  /** Commits in a thread of their own: for a process that does other work meanwhile, and lives long. */
  readonly thread?: boolean
}

/** A hive on this machine. */
export interface LocalPlace {
  readonly hive: Hive
  /** What it is kept in. */
  readonly store: StreamStore
  /** Closes the files. */
  close(): Promise<void>
}

/** Opens the hive in a directory. */
export async function openDirectory(
  path: string,
  { create = false, readOnly = false, compress, thread = false }: DirectoryOptions,
): Promise<LocalPlace> {
  // Loaded only here, because loading node:sqlite takes time, and a URL does not need it.
  const [{ directoryBackend }, { StreamStore }, { LocalHive }] = await Promise.all([
    import('../backends/directory.ts'),
    import('../store/stream-store.ts'),
    import('../hive/local-hive.ts'),
  ])
  const store = new StreamStore(await directoryBackend(path, { create, readOnly, thread }), { codec: compress })
  return { hive: new LocalHive(store), store, close: () => store.close() }
}
