import { memoryBackend } from '../../src/backends/memory.ts'
import { bytesSource } from '../../src/bytes/byte-source.ts'
import { collect } from '../../src/bytes/collect.ts'
import { cachedHive } from '../../src/cache/cached-hive.ts'
import type { CachedHive, CachedHiveOptions } from '../../src/cache/cached-hive-types.ts'
import type { LocalHive } from '../../src/hive/local-hive.ts'
import type { Backend } from '../../src/store/backend.ts'
import { StreamStore } from '../../src/store/stream-store.ts'
import { SmallBlocksHive } from './small-blocks-hive.ts'

/** What a block of 1,000 bytes takes of the budget. */
export const COST = 1_512

/** A cached hive, what it is in front of, and what it stands on. */
export interface CachedSetup {
  readonly remote: SmallBlocksHive
  readonly backend: Backend
  readonly store: StreamStore
  readonly hive: CachedHive
  /** What `onError` was told. */
  readonly errors: unknown[]
  /** Another tab, or another principal. */
  another(options?: Partial<CachedHiveOptions>): CachedHive
}

/** Makes a cached hive. */
export function setUpCache(
  options: Partial<CachedHiveOptions> = {},
  backend: Backend = memoryBackend(),
  remote: SmallBlocksHive = new SmallBlocksHive(),
): CachedSetup {
  const store = new StreamStore(backend)
  const errors: unknown[] = []
  const another = (changed = {}): CachedHive =>
    cachedHive(remote, store, { bytes: 1_000_000, onError: (error) => errors.push(error), ...options, ...changed })
  return { remote, backend, store, hive: another(), errors, another }
}

/** Stores an entry. */
export function putEntry(hive: LocalHive, alias: string, bytes: Uint8Array): Promise<void> {
  return bytesSource(bytes).stream().pipeTo(hive.sink(alias))
}

/** Reads a range of an entry, and waits until it is kept. */
export async function readEntry(
  hive: CachedHive,
  alias: string,
  range: { start?: number; end?: number } = {},
): Promise<Uint8Array> {
  const bytes = await collect((await hive.open(alias)).stream(range))
  await hive.flush()
  return bytes
}
