import type { Hive, OpenOptions } from '../hive/hive.ts'
import type { CachedEntry } from './cached-hive-types.ts'

/** How an entry is opened, without what has a default. */
export type Opening = Required<Pick<OpenOptions, 'consistency' | 'bufferSize'>>

/**
 * Opens a version that the remote hive has named as the current one before, with the same options; undefined if it has not, or if
 * the hive is not a cached one. It does not wait for the hive: unless that has named the version within the last second, it is
 * asked meanwhile, and if it has another version, or refuses, this one is not opened like this any more, and its readers fail with
 * `consistency: 'conflict'`.
 */
export function openConfirmed(
  hive: Hive | (Hive & { openConfirmed(alias: string, etag: string, opening: Opening): CachedEntry | undefined }),
  alias: string,
  etag: string,
  opening: Opening,
): CachedEntry | undefined {
  return 'openConfirmed' in hive ? hive.openConfirmed(alias, etag, opening) : undefined
}
