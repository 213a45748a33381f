import { PinnedEntry } from '../hive/pinned-entry.ts'
import type { CachedEntry } from './cached-hive-types.ts'
import type { CachedVersion } from './cached-version.ts'

/** An open entry of a cached hive. */
export class OpenCachedEntry extends PinnedEntry implements CachedEntry {
  declare readonly stale?: true

  constructor(version: CachedVersion, bufferSize: number, stale: boolean) {
    super(version, bufferSize)
    if (stale) this.stale = stale
  }
}
