import { abortable } from '../bytes/promises.ts'
import type { Hive } from '../hive/hive.ts'
import type { CodecName } from '../store/codecs/block-codecs.ts'
import type { BlockBackend } from '../backends/tiered.ts'
import type { Backend } from '../store/backend.ts'
import type { StreamStore } from '../store/stream-store.ts'
import { asUsage } from './as-usage.ts'
import type { EngineOptions } from './open-engines.ts'
import { type HivePlace, schemeOf } from './hive-place.ts'
import { UsageError } from './usage-error.ts'

/** As much as six fast readers use. A thousand slow ones take 32 KiB each besides. */
export const READ_AHEAD_BYTES: number = 24 * 1024 * 1024

/** Options of {@linkcode withHive}. */
export interface HiveOptions {
  /** Ends the opening of engines, which may not answer. */
  readonly signal: AbortSignal
  /** Token for the server. */
  readonly token?: string | undefined
  /** Creates the hive if it does not exist; for commands that write. */
  readonly create?: boolean
  /** Writes nothing to the directory, not even SQLite's auxiliary files; for commands that only read. */
  readonly readOnly?: boolean
  /** How blocks are compressed that are stored in a directory; a server decides by itself. */
  readonly compress?: CodecName | undefined
}

/** Opens a hive, uses it, and closes it, whatever happens. */
export async function withHive<T>(place: HivePlace, options: HiveOptions, use: (hive: Hive) => Promise<T>): Promise<T> {
  const scheme = typeof place === 'string' ? schemeOf(place) : undefined
  if (typeof place === 'string' && (scheme === 'http' || scheme === 'https')) {
    if (options.compress) throw new UsageError('--compress is for a directory: a server decides for its own hive')
    return use(await openRemote(place, options.token))
  }
  const { hive, close } = await openLocal(place, options)
  try {
    return await use(hive)
  } finally {
    await close()
  }
}

/** Opens the hive on a server. */
export async function openRemote(place: string, token: string | undefined): Promise<Hive> {
  if (!URL.canParse(place)) throw new UsageError(`not a URL: ${place}`)
  const { search, hash } = new URL(place)
  if (search || hash) throw new UsageError(`the URL of a hive must not have a query or a fragment, got ${place}`)
  const { HttpHive } = await import('../http/client/http-hive.ts')
  return new HttpHive(place, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })
}

/** Options of {@linkcode openLocal}. */
export interface LocalOptions extends HiveOptions {
  /** Commits in a thread of their own: for a process that does other work meanwhile, and lives long. */
  readonly thread?: boolean
}

/** A hive without a server. */
export interface LocalPlace {
  readonly hive: Hive
  /** What it is kept in. */
  readonly store: StreamStore
  /** Closes the files or connections. */
  close(): Promise<void>
}

/** Opens the hive in a directory or in engines. */
export async function openLocal(
  place: HivePlace,
  { create = false, readOnly = false, compress, thread = false, signal }: LocalOptions,
): Promise<LocalPlace> {
  const openDirectory = async (path: string, blocks?: BlockBackend): Promise<Backend> => {
    // Loaded only here, because loading node:sqlite takes time, and nothing else needs it.
    const { directoryBackend } = await import('../backends/directory.ts')
    return directoryBackend(path, { blocks, create, readOnly, thread })
  }
  const [backend, { StreamStore }, { LocalHive }] = await Promise.all([
    openBackend(place, { create, openDirectory }, signal),
    import('../store/stream-store.ts'),
    import('../hive/local-hive.ts'),
  ])
  const store = new StreamStore(backend, { codec: compress, readAheadBytes: READ_AHEAD_BYTES })
  return { hive: new LocalHive(store), store, close: () => store.close() }
}

async function openBackend(place: HivePlace, options: EngineOptions, signal: AbortSignal): Promise<Backend> {
  if (typeof place !== 'string') {
    const { openEngines } = await import('./open-engines.ts')
    return abortable(openEngines(place, options), signal)
  }
  if (schemeOf(place) === undefined) return asUsage(() => options.openDirectory(place))
  throw new UsageError(`a hive must be a directory or an http(s) URL, got ${place}`)
}
